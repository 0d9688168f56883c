"""What operators see and mend in one service, and the RPC through which they do."""
