"""One Alembic history per schema (`log`, `attribution`, `roi`), all run by `shared.db.migrate` through one `env.py`."""
