"""tracking's HTTP routes: redirects, event calls and webhooks."""
