"""One campaign: its goals, budget against spend, content, stages and trend, and the correction."""
