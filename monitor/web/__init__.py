"""The review pages over HTTP. Nothing here yet."""
