"""What privwatch is made of: versions with their hashes, the list for others to read, known holes in them."""
