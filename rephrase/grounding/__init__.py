"""What a text says that can be proven: its quantities, its periods and the names in it."""
