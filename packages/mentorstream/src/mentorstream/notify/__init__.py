"""`mentorstream notify`: what people are told, and how."""
