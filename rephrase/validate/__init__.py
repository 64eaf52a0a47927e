"""One check per file, cheapest first; each answers with a reason code or nothing."""
