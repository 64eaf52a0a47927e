"""Evolutionary merging: a search for the numbers of a merge recipe that make an objective largest."""
