"""RTMP for servers that receive publications, without I/O (Adobe's "Real Time Messaging Protocol", 1.0, 2012)."""
