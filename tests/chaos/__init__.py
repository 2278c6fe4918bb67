"""Chaos: everything that can be killed, frozen or filled is, under traffic, and the books are those of a quiet day.

Each story has a short seeded form that runs always and a long one (marked `slow`) behind `make chaos`. The seed is printed with
the command that plays it again.
"""
