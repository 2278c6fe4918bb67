"""The stylesheet and the scripts of the pages."""
