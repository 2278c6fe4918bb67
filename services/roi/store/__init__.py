"""The SQL of roi: the catalog with its outbox, and the rollups with their answers. Every statement that roi runs is in here."""
