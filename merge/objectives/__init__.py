"""Objectives of the merge stage; torch is imported on use only."""
