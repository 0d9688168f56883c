"""What may happen to a concern, a rota and the routing policy. Pure: no I/O, no clock, no random."""
