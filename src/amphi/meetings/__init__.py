"""Meetings in BigBlueButton: their rows, calendar, joining and attendance. Nothing about live streaming."""
