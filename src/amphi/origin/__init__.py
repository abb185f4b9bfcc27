"""Amphi's origin: RTMP in, low-latency HLS out."""
