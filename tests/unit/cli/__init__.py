"""The command line's pure parts: words, comparisons, the demo's month, back-off, and the data folder on a real disk."""
