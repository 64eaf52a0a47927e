"""Recipe mode: what a release only points at is made again from captures, and each text is proven by its hash."""
