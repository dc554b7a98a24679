"""The runner: one turn of six numbered steps, over any source and any store."""
