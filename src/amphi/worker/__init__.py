"""Background work: looks at lives, chat into the meeting, recordings, emails, tidying. It calls all other systems."""
