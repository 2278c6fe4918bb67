"""The HTTP routes of roi, one file for each group. `app.py` lists the routers that are served.

Promise: a route parses, opens one transaction, calls the store and maps the outcome to a status.
"""
