"""The pages of those who moderate meetings, and the doors through which people join."""
