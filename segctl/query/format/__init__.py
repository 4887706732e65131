"""The formatter of queries: one layout for every query, comments kept."""
