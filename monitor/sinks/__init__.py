"""Where violations go besides the store."""
