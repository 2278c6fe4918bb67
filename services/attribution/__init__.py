"""attribution: reads events, credits conversions to placements, keeps the ledger of credits.

Promise: one batch is one transaction under the locks of its workspaces. The sums of the ledger
depend on the set of events, not on the order in which they arrive.
"""
