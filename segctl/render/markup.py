"""HTML as values: what is a plain text is escaped, what is `Html` is not.

Owns the one way from text to HTML, for the page and for the comment. Every text is cleaned, too,
so nothing invisible and no key gets through. Attributes are ours alone, and are escaped all the
same.
"""

from __future__ import annotations

from html import escape
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID = frozenset({"br", "col", "link", "meta"})


class Html(str):
    """A piece of HTML that is as it should be."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[str]"
"""A text, a piece of HTML, or several of them."""


def html(*children: Child) -> Html:
    """Put pieces one after the other, each text escaped."""
    pieces = chain.from_iterable((one,) if isinstance(one, str) else one for one in children)
    return Html(
        "".join(one if isinstance(one, Html) else escape(clean(one), quote=False) for one in pieces)
    )


def tag(element: str, *children: Child, **attributes: str | bool) -> Html:
    """Make an element. `class_` and `aria_label` are attributes; `True` is one without a value.

    An attribute that is `False` or empty is left out.
    """
    said = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{escape(clean(str(value)))}"'
        for key, value in attributes.items()
        if value not in (False, "")
    )
    if element in _VOID:
        return Html(f"<{element}{said}>")
    return Html(f"<{element}{said}>{html(*children)}</{element}>")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
