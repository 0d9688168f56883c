"""What may happen and what it means: pure functions, without I/O, time or chance of their own."""
