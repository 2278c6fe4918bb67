"""One link: its address, a test of it, its response, and its correction."""
