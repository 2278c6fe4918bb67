"""The pure core: who the person is, which touches count, who earns which share, what the ledger gets. No clock, chance, I/O or float."""
