"""General Japanese tests (what a model must not forget), financial numeracy, and tests of one's own."""
