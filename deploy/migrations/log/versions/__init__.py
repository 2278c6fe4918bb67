"""Revisions of schema `log`, one file each: raw SQL up and down."""
