"""Published result files, read again and aggregated by our code."""
