"""What a dataset version holds, counted in one streaming pass over its Parquet files."""
