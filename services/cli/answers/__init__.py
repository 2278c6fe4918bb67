"""Answers of roi on a terminal: `laurel roi`, `laurel funnel` and `laurel goals`."""
