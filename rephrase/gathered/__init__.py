"""What is judged among all questions, in their order: repetition, overlap with tests, balance."""
