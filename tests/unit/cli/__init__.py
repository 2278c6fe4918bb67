"""The pure parts of the command line: words, comparisons, the demo, back-off, output."""
