"""Statistics that settle arguments: what an evaluation version says with what certainty, and which of two is better."""
