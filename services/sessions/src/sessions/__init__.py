"""The sessions service: mentorships, and the sessions held in them."""
