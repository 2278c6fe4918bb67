"""The HTTP shapes of roi: what bodies may hold, what answers look like. The only pydantic of this service besides its settings."""
