"""Revisions of schema `attribution`, one file each: raw SQL up and down."""
