"""The layout of a query: one way to write it, with its comments kept."""
