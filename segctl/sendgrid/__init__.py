"""The account over HTTP.

`transport` moves bytes, `api` has one method an operation, `wire` knows the JSON of both ways.
"""
