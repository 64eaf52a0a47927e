"""Documents and facts become question-and-answer and multiple-choice documents."""
