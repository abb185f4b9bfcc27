"""Addresses, views, forms and the administration. A view parses, calls one use case and turns its errors into words; `access` decides who may."""
