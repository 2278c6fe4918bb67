"""How the rows of CSV files are read: tables, cells, names, and the columns of each import. Pure.

To add a column or another title of one is to add data in `import_kinds.py`.
"""
