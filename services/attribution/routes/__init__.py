"""The HTTP routes of attribution, one file for each group. `app.py` lists the routers.

Promise: each call reads only the workspace of its key, in one snapshot. Only the retry of dead
letters and the replay write; both need scope admin. A wrong parameter is answered 422 with its
name, an unknown order 404.
"""
