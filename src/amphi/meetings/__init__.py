"""Meetings in BigBlueButton: their rows, calendar, joining, and who came. Nothing about lives."""
