"""The first steps of a new workspace: from nothing to the first own click and goal."""
