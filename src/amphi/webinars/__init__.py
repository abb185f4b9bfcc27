"""Webinars: their life cycle, gateways and planning, and the use cases save, start, stop and delete. No pages, no polling."""
