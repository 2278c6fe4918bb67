"""Answers of roi on a terminal: `laurel roi` and `laurel goals`."""
