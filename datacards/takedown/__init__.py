"""Takes texts out of a store, down to everything that was made of them, and proves that they are gone."""
