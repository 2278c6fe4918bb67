"""tracking: the public edge. Turns clicks, SDK calls and storefront webhooks into events on the log; has no database.

Promise: a 2xx for a conversion, adjustment, webhook or batch means its events are fsynced in the journal; a click is
always redirected, whatever is down. What can go wrong: no disk means webhooks get 503 and clicks go uncounted.
"""
