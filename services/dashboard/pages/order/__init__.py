"""One order: what it brought, who gets it and why, its journey, and what changed it."""
