"""The pages: one folder each, with its route (`page.py`) and its template.

Promise: a new folder is a new page. No list is edited: routes and menu are found here.
"""
