"""One bucket of an S3-compatible server, in which recordings are kept (docs/adr/0020)."""
