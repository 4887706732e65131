"""The account over HTTP: `transport` moves bytes, `api` has one method an operation, `wire` the
JSON of both directions.
"""
