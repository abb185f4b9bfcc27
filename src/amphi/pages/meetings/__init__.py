"""Pages for moderators of meetings, and the pages by which people join."""
