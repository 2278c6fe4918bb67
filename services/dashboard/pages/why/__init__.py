"""How a figure came about: its formula with its values, and the entries that it sums."""
