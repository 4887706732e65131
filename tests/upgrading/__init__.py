"""Out of v1."""
