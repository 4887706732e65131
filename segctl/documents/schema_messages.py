"""What is wrong with a text that does not have the form its schema asks for, field by field.

Owns the words for each `pattern` of the schemas, which jsonschema can only quote.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from segctl.documents.document import quote_value

if TYPE_CHECKING:
    from segctl.documents.document import Document

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def field_words(path: tuple[str | int, ...]) -> str:
    """Name a value as people would: `parent_list_ids`, `targets.eu`, `tags, item 2`."""
    if not path:
        return "the file"
    words = ".".join(str(step) for step in path if isinstance(step, str))
    numbers = [step for step in path if isinstance(step, int)]
    return quote_value(words) + (f", item {numbers[-1] + 1}," if numbers else "")


PERCENTAGES = {
    ("limits", "max_audience_change"): ("", "write a whole percentage, such as 50%"),
    ("allow_audience_change",): ("true or ", "write a whole percentage, such as 80%, or true"),
}
"""The percentages by their paths: what else may stand there, and the hint."""


def parse_percentage(value: str | float) -> int:
    """Return the number of a percentage that fits its schema: `50%`, or the bare number 50.

    The schemas allow whole percentages only: whether 0.5 means a half or half of one percent is
    a question that a limit must not leave open.
    """
    return int(value.rstrip("% ")) if isinstance(value, str) else int(value)


def report_percentage(
    document: Document, path: tuple[str | int, ...], code: str, said: str = ""
) -> None:
    """Report what is no percentage; `said` is what else there is to say of it."""
    other, hint = PERCENTAGES[path]  # type: ignore[index] # only paths that are in it come here
    document.report(
        code, f"{field_words(path)} must be {other}a percentage{said}", path=path, hint=hint
    )


_NAMED_BY_ID = {
    "parent_list_ids": ("a parent list", "the list's page in SendGrid has its id in the address"),
    "upgrade_from": ("a v1 segment", "`segctl list --v1` shows the ids"),
}


def report_pattern(document: Document, error: Any, path: tuple[str | int, ...]) -> None:
    """Report a text that a schema wants in another form, by the field that it stands in."""
    match path:
        case ("parent_list_ids" | "upgrade_from", _):
            what, hint = _NAMED_BY_ID[str(path[0])]
            document.report(
                "bad-uuid",
                f"{what} is named by its id, a UUID such as 0f3ba1c2-5d6e-4f70-8a9b-1c2d3e4f5a6b",
                path=path,
                hint=hint,
            )
        case ("name",) | ("previous_names", _) if not error.instance.strip():
            field = field_words(path)
            document.report("empty-value", f"{field} is empty", path=path, hint="give it a value")
        case ("name",) | ("previous_names", _):
            found = _CONTROL.search(error.instance)
            char = found.group() if found else ""
            what = "a line break" if char in "\r\n" else f"the character U+{ord(char):04X}"
            document.report(
                "control-character",
                f"{field_words(path)} holds {what}",
                path=path,
                hint="a name is one line of plain text: remove the escape, or the `|` or `>`",
            )
        case ("query_dsl",):
            document.report(
                "empty-query", "the query is empty", path=path, hint="write a SELECT statement"
            )
        case ("query_file",):
            document.report(
                "bad-query-file",
                "`query_file` must name a .sql file",
                path=path,
                hint="such as `query_file: vip.sql`; a query itself goes into `query_dsl`",
            )
        case ("targets", _, "api_key_env"):
            document.report(
                "bad-variable",
                "`api_key_env` is the name of an environment variable: capital letters, "
                "digits and underscores",
                path=path,
                hint="the key itself never stands in a file",
            )
        case ("targets",):
            document.report(
                "bad-target-name",
                f"{quote_value(error.instance)} cannot be the name of a target",
                path=(*path, error.instance),
                key=True,
                hint="a letter first, then letters, digits, - and _, at most 63 in all",
            )
        case ("targets", _, "subuser"):
            document.report(
                "bad-value",
                f"{field_words(path)} must be one word without accents, at most 128 characters",
                path=path,
                hint="it is the subuser's login in SendGrid",
            )
        case _ if path in PERCENTAGES:
            report_percentage(document, path, "bad-value")
        case _:
            document.report(
                "bad-value", f"{field_words(path)} has a value of the wrong form", path=path
            )
