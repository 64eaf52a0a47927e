"""One merge method per file, and the streaming engine; torch is imported here only."""
