"""What benchmarks hold ours against: the programs of others, and what installs, runs and watches them."""
