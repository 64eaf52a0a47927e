"""stub to be replaced."""
