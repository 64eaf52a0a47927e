"""Answers judged by a model behind any OpenAI-compatible endpoint: kept, counted, held to a budget."""
