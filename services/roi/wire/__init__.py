"""The HTTP shapes of roi's catalog and costs: bodies, answers and their fields."""
