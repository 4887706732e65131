"""The owners of segments as text."""

from __future__ import annotations

from segctl.errors import Span
from segctl.model import Declared, Segment
from segctl.render.owners import owners_text
from segctl.render.terminal import Style


def declared(name: str, file: str) -> Declared:
    return Declared(Segment(name, "x"), Span(file, 1, 1), Span(file, 1, 1))


def test_on_a_narrow_terminal_the_file_of_a_long_name_is_in_the_next_line() -> None:
    segments = [declared("VIP", "segments/vip.yaml"), declared("日本" * 20, "segments/日本.yaml")]
    text = owners_text([("sales", "@a/s", segments)], Style(), has_owners=True, width=60)
    assert text == (
        "sales  @a/s  2 segments\n"
        f"  VIP{' ' * 35}  segments/vip.yaml\n"
        f"  {'日本' * 20}\n{' ' * 40}  segments/日本.yaml\n"
    )
    wide = owners_text([("sales", "@a/s", segments)], Style(), has_owners=True)
    assert wide.splitlines()[1] == f"  VIP{' ' * 77}  segments/vip.yaml"


def test_hostile_names_stay_on_their_line() -> None:
    segments = [declared("a\x1b[2J\nb", "segments/a\n.yaml")]
    text = owners_text([("x\ny", "", segments)], Style(), has_owners=True)
    assert text == (
        "x\\x0ay  not in `owners:`  1 segment\n  a\\x1b[2J\\x0ab  segments/a\\x0a.yaml\n"
    )
