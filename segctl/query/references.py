"""References in a query: `@list('Newsletter')` in place of an id, `@country` in place of a value.

Finds them as tokens, and puts what they stand for in their place: whole operands, so the tree of
the result is that of the query with an operand in place of each. Also writes references in place of
ids. Does not know what a name stands for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.model.segments import Splice
from segctl.model.values import ReferenceKind
from segctl.query import ast
from segctl.query.list_ids import list_ids_of_call
from segctl.query.parser.lexer import Lexer
from segctl.query.parser.operands import string_value
from segctl.query.parser.parse import REFERENCES, is_reference, parse
from segctl.query.parser.tokens import TokenKind, lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from segctl.model.values import Value
    from segctl.query.parser.tokens import Token


_LONGEST_ARGUMENTS = 64
"""Tokens of the arguments of a condition: a dozen arguments, with signs and commas."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference: `text[start:end]`, by the name in its string or after its `@`.

    `after_in`: it stands right after IN, where several values are written in parentheses.
    `by_value`: the name is that of a value, which has the name of the list or the Single Send.
    `arguments` are SQL literals and references to values in parentheses behind the name, `None`
    where it has no parentheses.
    """

    kind: ReferenceKind
    name: str
    start: int
    end: int
    after_in: bool = False
    by_value: bool = False
    arguments: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ReferenceProblem:
    """What is wrong with `text[start:end]`, which begins like a reference.

    `name` is that of the condition that it would be, empty where it can be nothing else.
    """

    message: str
    hint: str
    start: int
    end: int
    name: str = ""


def find_references(text: str) -> Iterator[Reference | ReferenceProblem]:
    """Yield every reference of a query in the order of their places.

    Strings and comments hold none.
    """
    if "@" not in text:
        return
    lexer = Lexer(text)
    lexer.tokenize()
    tokens = lexer.tokens
    end = 0
    for index, token in enumerate(tokens):
        if not is_reference(token) or token.start < end:
            continue
        if lower(token.text) in REFERENCES:
            reference = _reference(token, tokens[index + 1 : index + 4])
            end = reference.end
            yield reference
        else:
            after_in = index > 0 and tokens[index - 1].upper == "IN"
            reference = _named(token, tokens[index + 1 :][:_LONGEST_ARGUMENTS], after_in=after_in)
            end = reference.end
            yield reference


def _named(word: Token, following: list[Token], *, after_in: bool) -> Reference | ReferenceProblem:
    """Return the reference to a value, or to a condition with its arguments."""
    name = word.text[1:]
    if not following or following[0].text != "(":
        return Reference(ReferenceKind.NAME, name, word.start, word.end, after_in)
    arguments: list[str] = []
    position, is_open = 1, True
    while is_open and position < len(following):
        if following[position].text == ")" and not arguments:
            position, is_open = position + 1, False
            break
        sign = following[position].text if following[position].text == "-" else ""
        position += len(sign)
        argument, *after = following[position : position + 2] or [word]
        is_number = argument.kind is TokenKind.NUMBER
        is_literal = is_number or (not sign and argument.kind is TokenKind.STRING)
        is_value = not sign and is_reference(argument) and lower(argument.text) not in REFERENCES
        if not (is_literal or is_value) or not after or after[0].text not in {",", ")"}:
            break
        arguments.append(f"({sign}{argument.text})" if sign else argument.text)
        position, is_open = position + 2, after[0].text == ","
    if is_open:
        message = f"the arguments of `{word.text}` must be strings, numbers and values"
        hint = f"write them with commas between, such as {word.text}(30, @country)"
        return ReferenceProblem(message, hint, word.start, word.end, name)
    end = following[position - 1].end
    return Reference(
        ReferenceKind.NAME, name, word.start, end, after_in, arguments=tuple(arguments)
    )


def _reference(word: Token, following: list[Token]) -> Reference | ReferenceProblem:
    kind = ReferenceKind(lower(word.text[1:]))
    shape = [token.text if token.kind is TokenKind.SYMBOL else token.kind for token in following]
    if shape == ["(", TokenKind.NAME, ")"] and is_reference(following[1]):
        name, end = following[1].text[1:], following[2].end
        return Reference(kind, name, word.start, end, by_value=True)
    if shape != ["(", TokenKind.STRING, ")"]:
        message = f"`@{kind}` needs the name of a {kind.noun} in single quotes"
        hint = f"write @{kind}('NAME'), or @{kind}(@value) with a value that has the name"
        return ReferenceProblem(message, hint, word.start, word.end)
    return Reference(kind, string_value(following[1].text[1:-1]), word.start, following[2].end)


def literal(value: Value, *, after_in: bool = False) -> str:
    """Return a value as SQL.

    A negative number is in parentheses: behind a minus it would begin a comment.
    """
    match value:
        case tuple():
            items = ", ".join(map(literal, value))
            return f"({items})" if after_in else f"[{items}]"
        case bool():
            return "TRUE" if value else "FALSE"
        case str():
            escaped = value.replace("\\", "\\\\").replace("'", "''")
            return f"'{escaped}'"
        case _:
            return f"({value})" if str(value).startswith("-") else str(value)


def replace_references(
    text: str, operands: Iterable[tuple[Reference, str]]
) -> tuple[str, tuple[Splice, ...]]:
    """Return the text with an operand in place of each reference, and what each replaced.

    `operands` are SQL, in the order of their places.
    """
    pieces: list[str] = []
    replacements: list[Splice] = []
    length = position = 0
    for reference, operand in operands:
        before = text[position : reference.start]
        length += len(before)
        end = length + len(operand)
        replacements.append(Splice(length, end, reference.start, reference.end))
        pieces += [before, operand]
        length, position = end, reference.end
    return "".join([*pieces, text[position:]]), tuple(replacements)


def with_names(text: str, names: Mapping[ReferenceKind, Mapping[str, str]]) -> str:
    """Return a query with references in place of the ids that have a name.

    `names` are by kind and lower-case id. An id is a whole string: the id of a list in any case
    where it is looked for in `list_ids`, and else one as SendGrid writes it. A query that cannot
    be read, or has a reference already, is returned as it is.
    """
    query = None if "@" in text and any(find_references(text)) else parse(text).query
    if query is None:
        return text
    in_lists = {
        string.start
        for node in walk(query)
        if isinstance(node, ast.Call)
        for string in list_ids_of_call(node)
    }
    operands = []
    for node in walk(query):
        if isinstance(node, ast.String):
            id_ = lower(node.value) if node.start in in_lists else node.value
            for kind, known in names.items():
                if id_ in known:
                    name = known[id_]
                    reference = Reference(kind, name, node.start, node.end)
                    operands.append((reference, f"@{kind}({literal(name)})"))
                    break
    operands.sort(key=lambda operand: operand[0].start)
    return replace_references(text, operands)[0]
