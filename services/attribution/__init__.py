"""attribution: consumes events, assigns them to creators and stages, keeps the ledger, publishes credits.

Promise: one batch is one transaction under the workspace locks; the net ledger is a function of the set of events, never of their arrival.
"""
