"""Low-latency HLS without I/O (RFC 8216 and draft-pantos-hls-rfc8216bis)."""
