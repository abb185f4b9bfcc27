"""MP4 files of what was recorded, without encoding and without I/O but that of files (ISO/IEC 14496-12, 14496-14 and 14496-15)."""
