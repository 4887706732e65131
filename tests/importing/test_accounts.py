"""Import of any account, in memory and with the real parts: the plan afterwards is empty."""

# ruff: noqa: S311 - the accounts come from seeded random numbers; nothing is kept secret.

from __future__ import annotations

import contextlib
import dataclasses
import random
import unicodedata
from typing import TYPE_CHECKING

import pytest

from segctl.account.snapshot import take_snapshot
from segctl.app.lookup import find_segments
from segctl.common.secrets import Secret
from segctl.declarations.collection import read_declarations
from segctl.declarations.formatting import format_segment_file
from segctl.emulator import Emulator
from segctl.errors import UsageError
from segctl.importing.importer import build_import, segments_to_read
from segctl.model import Declared, Remote, Snapshot, TargetRef
from segctl.planning.planner import PlanInputs, definitions_to_read, make_plan
from segctl.query.format.layout import format_query
from segctl.query.parser.parse import parse
from segctl.sendgrid.api import Reader
from segctl.sendgrid.transport import Transport
from tests.importing.test_filenames import SLUGS
from tests.importing.test_writing import NAMES, QUERIES
from tests.query.corpus import ACCEPTED, REFUSED, SHAPES, UNSUPPORTED
from tests.support.account import KEY, TEST_SETTINGS
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from segctl.importing.file_builder import NewFiles

LISTS = {f"0b1f4a10-5c1d-4a6e-9f02-{n:012x}": f"List {n} # \n of" for n in range(10, 14)}
ODD_PARENTS = [("not-a-uuid",), tuple(LISTS)]
ODD = " \t\xa0\u0301\u200d\u202e\ufeff\uffff\U0001f600#:'\"\\|-{}[]<>!*&%@,éÉß日ёa Z09"
BREAKS = "\n\r\x0b\x85\u2028"
CONTROLS = "\x00\x1b\x7f"
NAME_WORDS = [
    *(name for name in (*SLUGS, *NAMES) if "\ud800" not in name),
    *("vip", "VIP", "Vip ", "café", "cafe\u0301", "x" * 100, "y" * 101, KEY),
]
QUERY_WORDS = [
    *(text for text in (*SHAPES, *ACCEPTED, *QUERIES)),
    *(text for text, *_ in (*REFUSED, *UNSUPPORTED)),
    *(f"{SHAPES[0]} -- {KEY}", "x" * 3000, "(" * 3000),
]


def odd_text(rng: Random, most: int, also: str) -> str:
    chars = ODD + also + (CONTROLS if rng.random() < 0.05 else "")
    return "".join(rng.choice(chars) for _ in range(rng.randint(1, most)))


def name(rng: Random) -> str:
    breaks = BREAKS if rng.random() < 0.05 else ""
    text = rng.choice([rng.choice(NAME_WORDS), odd_text(rng, 12, breaks)])
    forms = (str, str, str.upper, str.casefold, lambda text: unicodedata.normalize("NFD", text))
    return rng.choice(forms)(text)


def query(rng: Random) -> str:
    text = rng.choice([*[rng.choice(QUERY_WORDS)] * 2, odd_text(rng, 30, BREAKS)])
    for _ in range(rng.choice([0, 0, 1, 3])):
        at = rng.randint(0, len(text))
        text = text[:at] + odd_text(rng, 3, BREAKS) + text[at:]
    ends = ["", "", "\n", "\n\n", " ", "  \n", "\t"]
    return rng.choice(ends) + text + rng.choice(ends) or "x"


def fill(emulator: Emulator, rng: Random) -> None:
    """Add segments to an account as people and programs might have created them."""
    for list_id, list_name in LISTS.items():
        emulator.console.add_list(list_name, id=list_id)
    for _ in range(rng.randint(0, 25)):
        # The account itself refuses a name that it has.
        with contextlib.suppress(ValueError):
            if rng.random() < 0.1:
                emulator.console.seed_v1(name(rng) or "v1", "email LIKE '%x'")
                continue
            parent = rng.choice([(), (), (rng.choice([*LISTS]),)])
            parent = rng.choice(ODD_PARENTS) if rng.random() < 0.02 else parent
            parent = tuple(map(str.upper, parent)) if rng.random() < 0.2 else parent
            emulator.console.create(name(rng), query(rng), parent_list_ids=parent)


@contextlib.contextmanager
def connected(emulator: Emulator) -> Iterator[Reader]:
    def mount(
        method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        reply = emulator.handle(method, target, headers, body)
        return reply.status, dict(reply.headers), reply.body

    with Transport(
        "https://x.invalid", Secret("key"), FakeClock(), mount=mount, read_only=True
    ) as transport:
        yield Reader(transport)


def run_import(account: Reader, files: dict[str, bytes]) -> tuple[NewFiles, Snapshot]:
    """Import everything into `files`."""
    declared = declarations(files)
    snapshot = take_snapshot(account, lambda listed: segments_to_read(listed, declared, listed))
    lists = {remote.id.lower(): remote.name for remote in account.list_contact_lists()}
    result = build_import(
        snapshot,
        [remote.id for remote in snapshot.remotes],
        declared,
        taken=[file.removeprefix("segments/") for file in files],
        lists=lists,
    )
    for file in result.files:
        assert f"segments/{file.name}" not in files, "a file was overwritten"
        files[f"segments/{file.name}"] = file.text.encode()
    return result, snapshot


def declarations(files: Mapping[str, bytes]) -> Sequence[Declared]:
    result = read_declarations(files, {}, "segments")
    assert not result.has_errors, result.diagnostics
    return result.declared


@pytest.mark.parametrize("part", range(8))
def test_after_an_import_of_any_account_the_plan_is_empty(part: int) -> None:
    for number in range(25):
        rng = random.Random(f"account {part * 25 + number}")
        settings = dataclasses.replace(TEST_SETTINGS, v1_holds_names=rng.random() < 0.7)
        with Emulator(None, settings, now=FakeClock()) as emulator:
            fill(emulator, rng)
            with connected(emulator) as account:
                check(account)
            assert {entry.method for entry in emulator.log} <= {"GET"}


def check(account: Reader) -> None:
    files: dict[str, bytes] = {}
    result, snapshot = run_import(account, files)
    assert len(result.files) + len(result.skipped) == len(snapshot.remotes)
    declared = declarations(files)
    remotes = {remote.name: remote for remote in snapshot.remotes if remote.query is not None}
    for segment in declared:
        # To the byte, unless `fmt` proves that its layout means the same.
        query_before, query_after = remotes[segment.name].query or "", segment.segment.query
        laid_out = format_query(parse(query_before)).text
        assert query_before == query_after or query_after.strip() == laid_out
        formatted = format_segment_file(segment.file, files[segment.file].decode())
        assert not formatted.changed
    inputs = PlanInputs()
    later_snapshot = take_snapshot(
        account, lambda listed: definitions_to_read(declared, listed, inputs)
    )
    plan = make_plan(TargetRef("test", "test"), declared, later_snapshot, inputs)
    codes = {diagnostic.code for diagnostic in plan.diagnostics}
    assert (plan.changes, codes - {"query-not-accepted"}) == ((), set())
    assert len(plan.kept) == len(result.files)

    before = dict(files)
    second, _ = run_import(account, files)
    assert (second.files, second.declared) == ((), len(result.files))
    assert files == before
    assert {segment.remote.id for segment in second.skipped} == {
        segment.remote.id for segment in result.skipped
    }


def test_most_segments_can_be_imported() -> None:
    """Without this, the property would also hold if nothing were ever imported."""
    imported = left = 0
    for number in range(10):
        with Emulator(None, TEST_SETTINGS, now=FakeClock()) as emulator:
            fill(emulator, random.Random(f"account {number}"))
            with connected(emulator) as account:
                result, _ = run_import(account, {})
        imported, left = imported + len(result.files), left + len(result.skipped)
    assert imported > 2 * left > 0


# The choice


def remote(number: int, name: str, query: str = "x", **fields: object) -> Remote:
    created = Remote(f"{number:08}-0000", name, query=query)
    return dataclasses.replace(created, **fields)  # type: ignore[arg-type]


def test_segments_are_found_by_name_or_id_each_once() -> None:
    first, second, namesake = remote(1, "A"), remote(2, "B"), remote(3, "A")
    listed = [first, second, namesake]
    assert find_segments(["B", second.id, "B"], listed) == [second]
    assert find_segments(["B", "A"], listed) == [second, first, namesake]
    with pytest.raises(UsageError, match=r"has no segment `b`, `C`$"):
        find_segments(["b", "C", "b", "A"], listed)


def test_names_that_differ_only_by_case_are_both_imported() -> None:
    remotes = (remote(1, "vip"), remote(2, "VIP"), remote(3, "Straße"), remote(4, "STRASSE"))
    result = build_import(Snapshot(remotes), [remote.id for remote in remotes], [])
    assert [(file.name, file.remote.name) for file in result.files] == [
        ("strasse.yaml", "STRASSE"),
        ("strasse-2.yaml", "Straße"),
        ("vip.yaml", "VIP"),
        ("vip-2.yaml", "vip"),
    ]
    assert result.skipped == ()


def test_the_second_of_two_names_that_look_the_same_is_skipped() -> None:
    remotes = (remote(3, "e\u0301"), remote(4, "é"))
    result = build_import(Snapshot(remotes), [remote.id for remote in remotes], [])
    assert [(file.name, file.remote.name) for file in result.files] == [("e.yaml", "e\u0301")]
    (skipped,) = result.skipped
    assert skipped.reason == "`é` and `e\u0301` differ only in their invisible encoding"
    alone = build_import(Snapshot(remotes), [remotes[1].id], [])
    assert [file.remote.name for file in alone.files] == ["é"]


def test_a_name_goes_to_the_second_segment_if_the_first_cannot_be_written() -> None:
    remotes = (remote(1, "cafe\u0301", "\x00"), remote(2, "caf\xe9"))
    result = build_import(Snapshot(remotes), [remote.id for remote in remotes], [])
    assert [file.remote.name for file in result.files] == ["caf\xe9"]


def test_segments_with_the_same_name_are_skipped_even_if_one_is_a_v1_segment() -> None:
    remotes = (remote(1, "A"), remote(2, "A"), remote(3, "B"), remote(4, "B", query_version=None))
    result = build_import(Snapshot(remotes), [remote.id for remote in remotes], [])
    assert result.files == ()
    assert [remote.remote.id[:8] for remote in result.skipped] == [
        f"0000000{n}" for n in range(1, 5)
    ]
    assert "the account has 2 segments named `A`" in result.skipped[0].reason
    assert "the account has 2 segments named `B`" in result.skipped[2].reason
    assert "v1" in result.skipped[3].reason


def test_a_reason_never_shows_an_api_key_and_always_names_the_segment() -> None:
    remotes = (remote(1, KEY), remote(2, "\t"))
    result = build_import(Snapshot(remotes), [remote.id for remote in remotes], [])
    assert KEY not in repr([(remote.reason, remote.hint) for remote in result.skipped])
    assert result.skipped[0].reason.startswith("segment 00000002-0000 cannot be written")
    assert result.skipped[1].reason.startswith("`SG.***` cannot be written")
