"""`laurel demo`: a month of traffic for a made-up brand, sent through the public APIs only.

Promise: the same seed and the same first day give the same data. The first day is kept as the first
day of the campaign, and every object and event has a fixed id, so a second run changes nothing.
"""
