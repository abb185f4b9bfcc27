"""The listeners' side: events, broadcasters, the discussion, the event stream. It calls no other system."""
