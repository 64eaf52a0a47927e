"""What ``bench.train_throughput`` trains, in which ways, and on what."""
