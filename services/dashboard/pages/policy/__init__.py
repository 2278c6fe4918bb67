"""One set of rules: what it says, and its archiving."""
