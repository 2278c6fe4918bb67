"""`laurel demo`: a month of believable traffic for a believable brand, through the public APIs and nothing else.

Promise: what is sent depends on a seed and on the day of the first run (kept as the campaign's first day), and every object and event has
an id of its own making, so running it twice changes nothing.
"""
