"""The account over HTTP.

`transport` moves bytes, `api` has one method an operation, `wire` knows the JSON of both ways.

Importing any of them keeps httpx from importing its own command line, which brings rich along: a
third of the time that httpx takes, for what no request needs. httpx is made to do without.
"""

import sys

if "httpx" not in sys.modules:
    # What stands as None in sys.modules is not found by any import.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

CONCURRENCY = 16
"""Connections to one account: more threads than that would wait for one another."""
