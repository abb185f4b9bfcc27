"""The life of a webinar: its live, its gateway, planning, and the use cases save, start, stop and delete. No pages, no polling."""
