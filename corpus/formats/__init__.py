"""The document formats; each module renders one base document into the documents of its format."""
