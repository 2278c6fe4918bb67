"""The command line: all commands that a person uses in a terminal.

It is above the three services: it starts them as processes and uses the code that prepares their
database. It reads a running system through the public HTTP API only. `laurel run` is
`run_command.py`, `startup.py`, `processes.py`, `child.py`, `readiness.py` and the two folders
`data_folder.py` and `postgres_folder.py`; all commands share `console.py` and `profile.py`.

What can go wrong: an expected failure is one sentence with what to do next; a traceback is a bug.
"""
