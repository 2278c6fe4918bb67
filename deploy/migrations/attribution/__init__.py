"""The history of schema `attribution`."""
