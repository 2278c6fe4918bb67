"""One cost: who carries which part of it, its correction, and its archiving with an undo."""
