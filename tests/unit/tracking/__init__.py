"""The pure rules of tracking, and its parts that need no server."""
