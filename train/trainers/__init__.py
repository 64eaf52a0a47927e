"""Trainers; torch and its companions are imported here only."""
