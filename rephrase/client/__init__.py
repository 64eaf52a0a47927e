"""Asks any number of OpenAI-compatible servers, a vLLM server above all, at little cost and without losing a prompt."""
