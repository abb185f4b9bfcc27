"""Amphi: webinars for BigBlueButton."""
