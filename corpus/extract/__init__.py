"""One module per media type: a capture in, documents with their facts out."""
