"""The calls of the public API that pages make, over httpx."""
