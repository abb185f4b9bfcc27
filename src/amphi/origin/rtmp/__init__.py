"""RTMP for servers that are published to, without I/O (Adobe's "Real Time Messaging Protocol", 1.0, 2012)."""
