"""Pure parts of the dashboard: the state in the address, tables, texts, series, sessions."""
