"""The plan and the report of an apply as versioned JSON documents, written and read back.

Does not open files and does not decide what a plan contains.
"""
