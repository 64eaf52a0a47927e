"""Captures become clean, de-duplicated, formatted documents: a dataset version."""
