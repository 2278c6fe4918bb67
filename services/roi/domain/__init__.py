"""The pure rules of roi: the catalog's entities and periods, link codes, rollups, metrics and answers. No clock, no chance, no I/O."""
