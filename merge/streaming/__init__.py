"""The streaming engine: batches of tensors, passes over them, blocks in threads, a journal to resume from."""
