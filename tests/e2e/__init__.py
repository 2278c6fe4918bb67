"""The story end to end, on real processes: a click becomes a credited cent and an answer."""
