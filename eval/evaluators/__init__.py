"""Evaluators; lm-evaluation-harness and torch are imported here only."""
