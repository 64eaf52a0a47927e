"""Finds documents that say the same: what is compared, the index of signatures, the search for near-duplicates."""
