"""The frame of every page, the macros that pages are built of, and the values that they show."""
