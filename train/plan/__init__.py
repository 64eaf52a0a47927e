"""What a run will take, told before it begins: steps, tokens, memory for each ZeRO stage, hours."""
