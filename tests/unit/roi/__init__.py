"""The pure rules of roi, by example and by property."""
