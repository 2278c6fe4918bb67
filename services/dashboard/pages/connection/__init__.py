"""One connection: its webhook address, its secrets, and a test delivery."""
