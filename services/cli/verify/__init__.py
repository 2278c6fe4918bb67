"""`laurel verify`: proves on a running system that the ledger balances and that the answers of roi equal it."""
