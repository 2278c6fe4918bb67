"""The HTTP routes of tracking: redirects, reports of events, and webhooks."""
