"""The three services and the command line.

tracking writes events, attribution turns them into credits, roi answers from credits and owns the
catalog.
"""
