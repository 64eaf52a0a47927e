"""Rewrites checkpoints that transformers no longer runs into native ones, and back, with proof."""
