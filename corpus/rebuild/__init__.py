"""Makes documents again that a release only points at: the part of the corpus stage in recipe mode."""
