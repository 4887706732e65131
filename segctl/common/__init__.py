"""Helpers for every package: time, secrets, files, suggestions.

Does not know segments, queries or the account.
"""
