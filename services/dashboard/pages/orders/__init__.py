"""Orders and other conversions: found by what is known of them, with who was credited."""
