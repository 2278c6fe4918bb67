"""The dashboard: pages for people, a client of the public API of the three other services.

It has no database and no log, and imports no other service (a contract holds that). What it shows,
anybody's own page can show.
"""
