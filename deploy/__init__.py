"""Everything that puts Laurel on machines: migrations, the image, the broker."""
