"""Placeholders of templates in text: `${x}`, `{{ x }}` and `<<x>>`. Fills in none."""

from __future__ import annotations

import re

PLACEHOLDER = re.compile(r"\$\{[^{}\r\n]+\}|\{\{[^{}\r\n]+\}\}|<<[^<>\r\n]+>>")
"""A placeholder on one line, with its brackets. Takes linear time."""
