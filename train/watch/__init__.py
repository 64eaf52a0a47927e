"""What is watched while a model trains: spikes, curves, the documents behind a step, and what merging would give."""
