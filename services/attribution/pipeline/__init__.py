"""From log records to the ledger, one transaction for each batch.

The transaction stores new events, joins identities, decides, posts and moves the offset.
"""
