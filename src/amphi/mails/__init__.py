"""Mails that wait to be sent, and sending them. What they are about is decided above."""
