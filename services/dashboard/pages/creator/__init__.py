"""One creator: facts, scorecard, content, costs, links and codes, and the correction."""
