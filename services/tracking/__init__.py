"""tracking: the public HTTP service. It writes clicks, API calls and webhooks to the log as events.

It has no database. Promise: a 2xx for a conversion, adjustment, webhook or batch means that its
events are fsynced in the journal. A click on a known link is always redirected, also while the log
and the disk are unavailable.
What can go wrong: while the disk is unavailable, webhooks get 503 and clicks are not recorded.
"""
