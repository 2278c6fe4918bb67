"""The pure rules of roi: entities and their periods, link codes, catalog records, rollup rows."""
