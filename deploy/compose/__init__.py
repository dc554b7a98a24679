"""The whole set on one machine."""
