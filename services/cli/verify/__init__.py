"""`laurel verify`: prove on a running system that the ledger balances and equals the answers."""
