"""Wikipedia dumps: finance articles, chosen by a walk down the categories, read as a stream."""
