"""Fetch, politely, and keep the evidence; nothing else."""
