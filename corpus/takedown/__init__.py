"""What a takedown has to know of captures and corpus versions."""
