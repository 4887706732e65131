"""The SendGrid API over HTTP.

`transport` sends requests, `api` has one method per operation, and `wire` converts JSON to the
model and back. Decides nothing about segments.

Importing any of them keeps httpx from importing its own command line, which imports rich: a third
of httpx's import time, and not needed for any request.
"""

import sys

if "httpx" not in sys.modules:
    # Importing a module that is None in sys.modules raises ImportError, which httpx handles.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

CONCURRENCY = 16
"""The number of connections to one account; more threads would wait for each other."""
