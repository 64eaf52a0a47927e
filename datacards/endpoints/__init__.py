"""What all clients of OpenAI-compatible endpoints share: bytes there and back, and what an answer's JSON says."""
