"""Bytes to events, one module per log format."""
