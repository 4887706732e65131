"""Messages for strings that do not have the form that their schema requires, field by field.

Owns the words for every `pattern` of the schemas, which jsonschema can only quote, and the one form
of a percentage in YAML.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from segctl.documents.document import quote_value

if TYPE_CHECKING:
    from segctl.documents.document import Document, Path

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def field_words(path: Path) -> str:
    """Return the name of a value for a message: `parent_list_ids`, `targets.eu`, `tags`, item 2."""
    if not path:
        return "the file"
    words = ".".join(str(step) for step in path if isinstance(step, str))
    numbers = [step for step in path if isinstance(step, int)]
    return quote_value(words) + (f", item {numbers[-1] + 1}," if numbers else "")


PERCENTAGES: dict[Path, tuple[str, str]] = {
    ("limits", "max_audience_change"): ("", "write a whole percentage, such as 50%"),
    ("limits", "scheduled_send_change"): ("", "write a whole percentage, such as 10%"),
    ("attention",): ("", "write a whole percentage, such as 20%"),
    ("allow_audience_change",): ("true or ", "write a whole percentage, such as 80%, or true"),
}
"""The percentages by their paths: what else the value may be, and the hint."""

_OF_POLICY = "", "write a whole percentage, such as 20%"


def _percentage_at(path: Path) -> tuple[str, str] | None:
    """Return what `PERCENTAGES` has for a path, `None` where the value is no percentage."""
    match path:
        case ("policies", _, "change_at_most"):
            return _OF_POLICY
        case _:
            return PERCENTAGES.get(path)


def is_percentage(path: Path) -> bool:
    """Return whether the value at a path is a percentage."""
    return _percentage_at(path) is not None


def parse_percentage(value: str | float) -> int:
    """Return the number of a percentage that fits its schema: `50%`, or the bare number 50.

    The schemas allow whole percentages only: whether 0.5 means a half or half of one percent is
    a question that a limit must not leave open.
    """
    return int(value.rstrip("% ")) if isinstance(value, str) else int(value)


def report_percentage(document: Document, path: Path, code: str, got: str = "") -> None:
    """Report an invalid percentage; `got` is what the value is instead, if that is known."""
    alternative, hint = _percentage_at(path) or _OF_POLICY
    summary = f"{field_words(path)} must be {alternative}a percentage"
    document.report(code, summary + (f", got {got}" if got else ""), path=path, hint=hint)


_IDENTIFIED = {
    "parent_list_ids": ("a list", "copy the id from the address of the list's page in SendGrid"),
    "upgrade_from": ("a v1 segment", "run `segctl list --v1` to see the ids"),
}


_QUERY_MESSAGES: dict[Path, tuple[str, str, str]] = {
    ("query_dsl",): ("empty-query", "the query is empty", "write a SELECT statement"),
    ("query_file",): (
        "bad-query-file",
        "`query_file` must be the path of a .sql file",
        "write a path such as vip.sql, or put the query itself in `query_dsl`",
    ),
}


def report_pattern(document: Document, error: Any, path: Path) -> None:
    """Report a string that does not match the pattern of its schema."""
    match path:
        case ("parent_list_ids" | "upgrade_from", _):
            thing, hint = _IDENTIFIED[str(path[0])]
            document.report(
                "bad-uuid",
                f"{field_words(path)} must be the id of {thing}, a UUID such as"
                " 0f3ba1c2-5d6e-4f70-8a9b-1c2d3e4f5a6b",
                path=path,
                hint=hint,
            )
        case ("name",) | ("previous_names", _) if not error.instance.strip():
            summary = f"{field_words(path)} must not be empty"
            document.report("empty-value", summary, path=path, hint="add a value")
        case ("name",) | ("previous_names", _):
            match = _CONTROL.search(error.instance)
            char = match.group() if match else ""
            what = "a line break" if char in "\r\n" else f"the character U+{ord(char):04X}"
            document.report(
                "control-character",
                f"{field_words(path)} must not contain {what}",
                path=path,
                hint="write one line of plain text, without escape sequences, `|` and `>`",
            )
        case _ if path in _QUERY_MESSAGES:
            code, summary, hint = _QUERY_MESSAGES[path]
            document.report(code, summary, path=path, hint=hint)
        case ("targets", _, "api_key_env"):
            document.report(
                "bad-variable",
                "`api_key_env` must be the name of an environment variable with the words SENDGRID "
                "and KEY, in capital letters",
                path=path,
                hint="such as SHOP_SENDGRID_KEY or SENDGRID_API_KEY_EU, so that no other secret "
                "can be sent; never write the key itself in a file",
            )
        case ("targets" | "groups" as key,):
            document.report(
                "bad-target-name",
                f"invalid {str(key).removesuffix('s')} name {quote_value(error.instance)}",
                path=(*path, error.instance),
                key=True,
                hint="start with a letter; use only letters, digits, - and _, at most 63 in all",
            )
        case ("owners", *_):
            _report_owner(document, error, path)
        case ("targets", _, "subuser"):
            document.report(
                "bad-value",
                f"{field_words(path)} must be one word without accents, at most 128 characters",
                path=path,
                hint="write the subuser's login in SendGrid",
            )
        case _ if is_percentage(path):
            report_percentage(document, path, "bad-value")
        case _:
            _report_name(document, error, path)


_NAMES_OF_INSTANCES = (1, 3)
"""The depths at which instances have names: of dimensions and sets, and of their values."""


def _report_name(document: Document, error: Any, path: Path) -> None:
    """Report a name that queries use, which the path lacks, or any other string."""
    if "policies" in path or "except" in path:
        _report_policy(document, error, path)
        return
    is_instance = path[:1] in {("for_each",), ("instances",)} and len(path) in _NAMES_OF_INSTANCES
    if path[-1:] not in {("values",), ("conditions",)} and not is_instance:
        document.report("bad-value", f"{field_words(path)} has an invalid value", path=path)
        return
    document.report(
        "bad-name",
        f"invalid name {quote_value(error.instance)}",
        path=(*path, error.instance),
        key=True,
        hint="use small letters, digits and _, with a letter first; @list and @single_send have "
        "a meaning already",
    )


def _report_owner(document: Document, error: Any, path: Path) -> None:
    """Report the name of an owner, which the path lacks, or who it is."""
    if path == ("owners",):
        document.report(
            "bad-owner",
            f"invalid owner {quote_value(error.instance)}",
            path=(*path, error.instance),
            key=True,
            hint="use the name that segment files have in `owner`: one line of text",
        )
        return
    document.report(
        "bad-owner",
        f"{field_words(path)} must be an e-mail address, @user or @org/team",
        path=path,
        hint='write one of them, in quotes, such as "@acme/crm"',
    )


def _report_policy(document: Document, error: Any, path: Path) -> None:
    """Report the name of a policy, which the path lacks, or another string of one."""
    if len(path) == 1:
        document.report(
            "bad-name",
            f"invalid name of a policy {quote_value(error.instance)}",
            path=(*path, error.instance),
            key=True,
            hint="use small letters, digits, - and _, with a letter first, but not `until`",
        )
        return
    code, must, hint = {
        "events_within": ("bad-value", "be a number of days", "such as `180 days`"),
        "until": ("bad-value", "be a day", "such as 2027-01-31"),
    }.get(str(path[-1]), ("empty-value", "not be empty", "add the reason"))
    document.report(code, f"{field_words(path)} must {must}", path=path, hint=hint)
