"""What a panel shows, as plain values: tables, texts of figures, and CSV. Pure."""
