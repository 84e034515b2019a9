"""Ranges of addresses of public, shared and storage networks."""
