"""Continual pretraining on one chosen corpus version."""
