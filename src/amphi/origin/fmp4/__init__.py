"""Fragmented MP4 from FLV tags, without I/O (ISO/IEC 14496-12, 14496-14 and 14496-15)."""
