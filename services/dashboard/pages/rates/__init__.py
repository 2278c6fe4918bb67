"""What a unit of attention is worth, and what a currency is worth in the workspace's."""
