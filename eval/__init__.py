"""Scores of a checkpoint on the Japanese financial benchmarks."""
