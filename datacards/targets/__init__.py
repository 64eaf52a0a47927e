"""Where a finished version is published to: a folder, an S3-compatible bucket, the Hugging Face Hub."""
