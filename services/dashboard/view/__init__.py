"""The state of a page in its address: period, currency, model, comparison, filters."""
