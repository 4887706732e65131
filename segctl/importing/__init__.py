"""Segment files for what the account already has: import of V2 segments, upgrade of v1 ones.

Pure: the files come back as text. Nothing is written here, and nothing is sent.
"""
