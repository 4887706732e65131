from __future__ import annotations

from typing import Literal

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.documents.yaml_positions import ScalarMap, TextMap

Loader = type[yaml.SafeLoader] | type[yaml.CSafeLoader]
LOADERS: tuple[Loader, ...] = (yaml.SafeLoader, yaml.CSafeLoader)


def scalars(text: str, loader: Loader) -> list[yaml.ScalarNode]:
    nodes: list[yaml.ScalarNode] = []
    pending = [yaml.compose(text, Loader=loader)]
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.ScalarNode):
            nodes.append(node)
        elif isinstance(node, yaml.MappingNode):
            pending += [child for pair in node.value for child in pair]
        elif isinstance(node, yaml.SequenceNode):
            pending += node.value
    return nodes


def map_of(text: str, node: yaml.ScalarNode) -> ScalarMap:
    style, value = node.style, node.value
    return ScalarMap(text, node.start_mark.index, node.end_mark.index, style, value)


TEXTS = (
    "\ufeffa: &x !!str |\r\n  one\r\n  two\r\nb: 'q'\n",
    "a: |  # why\n\n   x\n    y\n\nb: 1\n",
    "- >-\n  a\n  b\n\n   m\n  c\n",
    "- >+\n  a\n\n\n   m\n\n  c\n\n",
    "a: plain\n  two\n\n  three # c\nb: 1\n",
    "a: é\U0001f600x\nb: 'y''z\n\n  k'\n",
    'a: "x\\\n   y\\u00e9\\n\n\n  z\\\n\n q\\\\ \\x41\\U0001F600"\n',
    "a: |2\n    x\n   y\n",
    "a: |+\r  x\r\r\rb: 1\r",
    "a: ''\nb:\n",
    "a: >\n  x\n  \n  y\n\n\n",
    "a: |\n  x",
    "a: |\nb: >+\n\n\n",
    'a: "x\u2028  y"\nb: "q\\\u2028\u2028 z"\nc: |\n  x\u2028  y\n',
)


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("text", TEXTS)
def test_every_style_is_proven(text: str, loader: Loader) -> None:
    for node in scalars(text, loader):
        scalar = map_of(text, node)
        assert scalar.proven, node
        for offset, char in enumerate(node.value):
            check(text, scalar, offset, char)


def check(text: str, scalar: ScalarMap, offset: int, char: str) -> None:
    index = scalar.index(offset)
    source = text[index]
    line, column = scalar.locate(offset)
    assert (line, column) == TextMap(text).locate(index)
    assert line >= 1
    assert column >= 1
    if source != char:
        folded = char in " \n" and source in "\r\n\x85"
        assert folded or source == "\\", (char, source)


STYLES: tuple[Literal["'", '"', "|", ">"] | None, ...] = (None, "'", '"', "|", ">")


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["SELECT", "a='it''s'", "\n", " ", "é", "\\", '"', "#", ": ", "\t", "-- x\n"]
        )
    ).map("".join)
    | st.text(max_size=40),
    st.sampled_from(STYLES),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([20, 80]),
    st.booleans(),
)
def test_what_pyyaml_dumps_is_located(
    value: str, style: Literal["'", '"', "|", ">"] | None, ends: str, width: int, unicode: bool
) -> None:
    data = {"spec": {"query": value}}
    text = yaml.dump(
        data, default_style=style, width=width, allow_unicode=unicode, line_break=None
    ).replace("\n", ends)
    for loader in LOADERS:
        try:
            nodes = scalars(text, loader)
        except yaml.YAMLError:
            continue
        for node in nodes:
            scalar = map_of(text, node)
            if scalar.proven:
                for offset, char in enumerate(node.value):
                    check(text, scalar, offset, char)
            else:
                assert scalar.locate(3) == TextMap(text).locate(node.start_mark.index)
            assert scalar.proven or not node.value.isprintable(), (text, node)


def test_known_places() -> None:
    text = "name: x\nquery: |\n  SELECT a\n\n  FROM 'é'\n"
    (node,) = [n for n in scalars(text, yaml.CSafeLoader) if n.style == "|"]
    scalar = map_of(text, node)
    assert scalar.locate(0) == (3, 3)
    assert scalar.locate(node.value.index("FROM")) == (5, 3)
    assert scalar.locate(-5) == (3, 3)
    assert scalar.locate(10_000) == (6, 1)


@pytest.mark.parametrize("style", ["|", ">", "'", '"', "", None, "?"])
def test_an_unproven_value_is_located_at_its_start(style: str | None) -> None:
    scalar = ScalarMap("a: b\nc: 'nope\\q\\xzz'\n", 8, 20, style, "something else")
    assert not scalar.proven
    assert scalar.locate(5) == (2, 4)


def test_an_empty_value_is_located_at_its_start() -> None:
    assert ScalarMap("a: ''", 3, 5, "'", "").locate(0) == (1, 4)


def test_places_in_a_text() -> None:
    text_map = TextMap("\ufeffab\r\nc\rd\ne")
    assert text_map.locate(0) == (1, 1)
    assert text_map.locate(1) == (1, 1)
    assert text_map.locate(2) == (1, 2)
    assert text_map.locate(5) == (2, 1)
    assert text_map.locate(7) == (3, 1)
    assert text_map.locate(9) == (4, 1)
    assert text_map.locate(99) == (4, 2)
    assert text_map.locate(-1) == (1, 1)
