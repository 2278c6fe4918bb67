"""Costs: what was spent, by kind and month, each cost that was entered, and the form for one."""
