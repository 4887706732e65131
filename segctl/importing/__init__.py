"""New segment files for segments that an account has: import of V2, upgrade of v1 segments.

Pure: returns the files as text. Writes nothing and sends nothing.
"""
