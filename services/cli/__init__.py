"""The command line: everything that a person does with Laurel from a terminal.

It stands above the three services: it starts them as processes and uses the code that prepares
their database. It asks a running system through the public HTTP API only. `laurel run` is
`run.py`, `startup.py`, `processes.py`, `child.py`, `readiness.py` and the two folders
`data_folder.py` and `postgres_folder.py`; all commands share `console.py` and `profile.py`.

What can go wrong is said in one sentence that ends with what to do next; a traceback is a bug.
"""
