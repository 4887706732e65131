"""The query language of segments: parse it, compare it, format it, explain it.

Pure functions over text: no I/O, no clock. `ast` has the nodes, `parser` builds them, `equivalence`
compares queries, `diff` lists the clauses that changed, `catalogue` holds what SendGrid documents.
This module imports nothing, so that using one part does not load the others.
"""
