"""Which items of its tests a model may have read: what its corpora say of themselves, joined with what it was asked."""
