"""Finds what documents share with the tests that models are judged by, and says what becomes of it."""
