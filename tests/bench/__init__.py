"""The bench: what Laurel promises about speed and memory, measured against a limit in the same run; never part of `make test`."""
