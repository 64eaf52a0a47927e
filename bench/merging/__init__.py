"""What the benchmark of merging is made of: checkpoints, programs, what a process costs, exactness."""
