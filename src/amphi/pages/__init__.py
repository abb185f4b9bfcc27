"""Addresses, views, forms and the administration; who may, access.py says. A view parses, calls one use case and words its errors."""
