"""What runs by itself: looking at lives, chat into the meeting, recordings, mails, tidying. Other systems are called from here."""
