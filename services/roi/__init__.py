"""roi: the service that owns the catalog and the costs, keeps rollups of credits, and answers.

Promise: a change of the catalog is on `laurel.catalog` within a second of its 2xx, in the order of
the transactions. Every figure is read from stored credits, and its answer names its `as_of`.
What can go wrong: while Postgres is unavailable, a request gets 503 within two seconds. While the
log is unavailable, roi answers from what it has folded, and changes wait in the outbox.
"""
