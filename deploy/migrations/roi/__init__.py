"""The history of schema `roi`."""
