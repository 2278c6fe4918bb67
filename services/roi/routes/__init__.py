"""The HTTP calls of roi, one file per group. Each module offers its `router`; `app.py` says which of them are served.

Promise: a route parses, opens one transaction, calls the store and maps the outcome to a status; it decides nothing else.
"""
