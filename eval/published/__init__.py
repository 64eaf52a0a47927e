"""The published results of the Japanese financial benchmark, aggregated again."""
