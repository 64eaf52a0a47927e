"""What is trained on: documents chosen and weighted, tokenized once, packed into rows, in an order that a seed fixes."""
