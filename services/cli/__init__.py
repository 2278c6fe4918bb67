"""The command line: everything that a person does with Laurel from a terminal.

It stands above the three services: it may start them as processes and use the code that prepares their database, and it asks
a running system only through the public HTTP API, like everybody else. What can go wrong is said in one sentence that ends
with what to do next; a traceback on the terminal is a bug.
"""
