"""The command line with real processes: the supervisor, Postgres, and the commands that ask."""
