"""What moves attachments' bytes between a caller and the service. It reads and writes stored bytes, and leaves decisions to commands."""
