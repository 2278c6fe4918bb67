"""The command line against real processes: the supervisor, the embedded Postgres, and the commands that ask a running Laurel."""
