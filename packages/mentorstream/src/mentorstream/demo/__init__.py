"""The main job: a cohort is mentored through the services' APIs, and what came of it is checked and shown."""
