"""What reaches outside the events, or several streams of them, when it is due."""
