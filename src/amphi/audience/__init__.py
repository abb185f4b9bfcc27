"""What listeners watch, say and are told: events, broadcasters, the chat, the event stream. It calls no other system."""
