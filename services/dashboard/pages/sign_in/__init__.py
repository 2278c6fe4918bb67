"""The page that asks for an API key, and the address of one-time links."""
