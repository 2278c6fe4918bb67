"""Imports: a file is looked at, its columns are named, it is imported, and undone as a whole."""
