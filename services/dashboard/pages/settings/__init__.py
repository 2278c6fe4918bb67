"""Settings: the workspace, and the way to rules, rates, stores and keys."""
