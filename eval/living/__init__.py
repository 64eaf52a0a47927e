"""Questions that a model cannot have read: from filings that were published after everything it has learned from."""
