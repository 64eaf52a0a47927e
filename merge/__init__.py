"""Merging checkpoints in weight space: domain + instruct - base."""
