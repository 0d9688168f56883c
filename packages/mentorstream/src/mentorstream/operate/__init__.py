"""What an operator does from the command line: a client of each service's operations RPC."""
