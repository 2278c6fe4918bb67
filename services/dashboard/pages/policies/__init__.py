"""The rules that decide who earns what: those in force, older ones, and the form of new ones."""
