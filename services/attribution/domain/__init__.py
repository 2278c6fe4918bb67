"""The pure core of attribution: identity, candidates, shares and ledger entries.

There is no clock, chance, I/O or float here.
"""
