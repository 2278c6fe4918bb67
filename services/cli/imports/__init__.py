"""The commands `laurel import …`: the rows of a CSV file become calls of the public API.

To add a kind of import is to add its columns and its command; the file, the sender and the list of
bad rows are the same for all.
"""
