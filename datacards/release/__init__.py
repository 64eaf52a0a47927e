"""A release: what of a dataset version may be given to others, and pointers to the rest."""
