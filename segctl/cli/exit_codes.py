"""What the process ends with, beside 0 for done and 1 for an error; `cli.main` lists them all."""

from __future__ import annotations

CHANGES_PRESENT = 2
REFUSED = 3
IN_PART = 4
INTERRUPTED = 130
