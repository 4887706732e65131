"""Small helpers that every room may use: time, secrets, files, suggestions.

Knows nothing of segments, queries or the account.
"""
