"""What is kept to be asked, folded from published events."""
