"""All SQL of attribution, by thought: offsets, intake of a batch, identity, scopes, decisions and ledger, outbox, catalog, answers."""
