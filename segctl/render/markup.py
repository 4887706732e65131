"""HTML as values: plain text is escaped, `Html` is not.

The only way from text to HTML, for the page and for the comment. Text is also cleaned, so that no
invisible character and no key gets through. Attributes never come from users, but are escaped, too.
Knows nothing of plans.
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
    """A piece of HTML that is escaped already."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[str]"
"""A text, a piece of HTML, or several of them."""


def html(*children: Child) -> Html:
    """Return children one after the other, with text escaped."""
    pieces = chain.from_iterable(
        (child,) if isinstance(child, str) else child for child in children
    )
    return Html(
        "".join(
            piece if isinstance(piece, Html) else escape(clean(piece), quote=False)
            for piece in pieces
        )
    )


def tag(element: str, *children: Child, **attributes: str | bool) -> Html:
    """Return an element. `class_` and `aria_label` are attributes; `True` is one without a value.

    An attribute that is `False` or empty is left out.
    """
    pairs = "".join(
        f" {_attribute_name(key)}"
        if value is True
        else f' {_attribute_name(key)}="{escape(clean(str(value)))}"'
        for key, value in attributes.items()
        if value not in (False, "")
    )
    if element in _VOID:
        return Html(f"<{element}{pairs}>")
    return Html(f"<{element}{pairs}>{html(*children)}</{element}>")


def _attribute_name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")
