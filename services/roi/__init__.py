"""roi: owns the catalog and its costs, folds credits into rollups, answers every question about return.

Promise: a change of the catalog is on `laurel.catalog` within a second of its 2xx, in the transaction's order; every figure is
read from rollups and says as of when. What can go wrong: Postgres away means 503 within two seconds, never a hang; the log away
means answers from what was folded and changes that wait in the outbox.
"""
