"""`laurel explain ORDER`: an explanation of attribution's, with the names that roi knows, in a marketer's words."""
