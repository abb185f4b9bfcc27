"""Writing, keeping and sending emails. The packages above decide what they say."""
