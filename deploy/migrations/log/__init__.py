"""The history of schema `log`."""
