"""The query language of segments: read it, compare it, explain what changed.

A room of pure functions over text: no I/O, no clock. `tree` is the vocabulary, `parse` makes
it, `normal` compares by it, `changes` tells two queries apart clause by clause, `catalogue` is
what the documentation says exists. This module owns nothing, so that importing one part does
not pay for another.
"""
