"""One API key, and its revocation."""
