"""Goals: their shapes, and the progress of one goal from the answers of its days."""
