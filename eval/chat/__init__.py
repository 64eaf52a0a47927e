"""Question sets that are answered in words and judged by a model: Japanese financial dialogues of one or more turns."""
