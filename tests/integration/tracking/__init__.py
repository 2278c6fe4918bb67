"""tracking over real HTTP, a real journal on disk and the log in memory."""
