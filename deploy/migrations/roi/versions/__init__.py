"""Revisions of schema `roi`, one file each: raw SQL up and down."""
