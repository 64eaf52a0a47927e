"""Whole-capability benchmarks: ratios against a peer measured in the same run."""
