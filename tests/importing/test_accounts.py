"""Any account through the real parts, in memory: import, then plan, and nothing is left to do."""

# ruff: noqa: S311 - the accounts are made of seeded numbers, and keep nobody out.

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
from segctl.emulator import Emulator
from segctl.errors import UsageError
from segctl.importing.importer import build_import, segments_to_read
from segctl.model import Declared, Remote, Snapshot, TargetRef
from segctl.planning.planner import PlanInputs, definitions_to_read, make_plan
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
    made = rng.choice([rng.choice(NAME_WORDS), odd_text(rng, 12, breaks)])
    forms = (str, str, str.upper, str.casefold, lambda text: unicodedata.normalize("NFD", text))
    return rng.choice(forms)(made)


def query(rng: Random) -> str:
    text = rng.choice([*[rng.choice(QUERY_WORDS)] * 2, odd_text(rng, 30, BREAKS)])
    for _ in range(rng.choice([0, 0, 1, 3])):
        at = rng.randint(0, len(text))
        text = text[:at] + odd_text(rng, 3, BREAKS) + text[at:]
    ends = ["", "", "\n", "\n\n", " ", "  \n", "\t"]
    return rng.choice(ends) + text + rng.choice(ends) or "x"


def fill(emulator: Emulator, rng: Random) -> None:
    """Put segments on an account that people and programs might have made."""
    for list_id, list_name in LISTS.items():
        emulator.console.add_list(list_name, id=list_id)
    for _ in range(rng.randint(0, 25)):
        # The account itself refuses a name that it has.
        with contextlib.suppress(ValueError):
            if rng.random() < 0.1:
                emulator.console.seed_v1(name(rng), "email LIKE '%x'")
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
    """Import everything, into `files`."""
    declared = declarations(files)
    snapshot = take_snapshot(account, lambda listed: segments_to_read(listed, declared, listed))
    lists = {one.id.lower(): one.name for one in account.list_contact_lists()}
    result = build_import(
        snapshot,
        [one.id for one in snapshot.remotes],
        declared,
        taken=[file.removeprefix("segments/") for file in files],
        lists=lists,
    )
    for new in result.files:
        assert f"segments/{new.name}" not in files, "a file was overwritten"
        files[f"segments/{new.name}"] = new.text.encode()
    return result, snapshot


def declarations(files: Mapping[str, bytes]) -> Sequence[Declared]:
    made = read_declarations(files, {}, "segments")
    assert not made.has_errors, made.diagnostics
    return made.declared


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
    held = {one.name: one for one in snapshot.remotes if one.query is not None}
    for one in declared:
        # To the byte, which the plan would not ask for.
        assert one.segment.query == held[one.name].query
    inputs = PlanInputs(strict_text=True)
    again = take_snapshot(account, lambda listed: definitions_to_read(declared, listed, inputs))
    plan = make_plan(TargetRef("test", "test"), declared, again, inputs)
    told = {found.code for found in plan.diagnostics}
    assert (plan.changes, told - {"query-not-accepted"}) == ((), set())
    assert len(plan.kept) == len(result.files)
    assert not any(keep.is_cosmetic for keep in plan.kept)

    before = dict(files)
    second, _ = run_import(account, files)
    assert (second.files, second.declared) == ((), len(result.files))
    assert files == before
    assert {one.remote.id for one in second.skipped} == {one.remote.id for one in result.skipped}


def test_most_of_what_the_accounts_hold_can_be_imported() -> None:
    """The property would hold as well if nothing were ever imported."""
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
    one = Remote(f"{number:08}-0000", name, query=query)
    return dataclasses.replace(one, **fields)  # type: ignore[arg-type]


def test_segments_are_found_by_name_or_id_each_once() -> None:
    one, two, same = remote(1, "A"), remote(2, "B"), remote(3, "A")
    listed = [one, two, same]
    assert find_segments(["B", two.id, "B"], listed) == [two]
    assert find_segments(["B", "A"], listed) == [two, one, same]
    with pytest.raises(UsageError, match=r"has no segment `b`, `C`$"):
        find_segments(["b", "C", "b", "A"], listed)


def test_the_second_of_two_names_that_fold_to_one_is_left() -> None:
    remotes = (remote(1, "vip"), remote(2, "VIP"), remote(3, "e\u0301"), remote(4, "é"))
    result = build_import(Snapshot(remotes), [one.id for one in remotes], [])
    assert [(file.name, file.remote.name) for file in result.files] == [
        ("vip.yaml", "VIP"),
        ("e.yaml", "e\u0301"),
    ]
    assert [one.remote.name for one in result.skipped] == ["vip", "é"]
    assert result.skipped[0].reason == ("`vip` and `VIP` differ only in case or invisible encoding")
    alone = build_import(Snapshot(remotes), [remotes[0].id], [])
    assert [file.remote.name for file in alone.files] == ["vip"]


def test_a_name_of_which_the_first_cannot_be_written_goes_to_the_second() -> None:
    remotes = (remote(1, "VIP", "\x00"), remote(2, "vip"))
    result = build_import(Snapshot(remotes), [one.id for one in remotes], [])
    assert [file.remote.name for file in result.files] == ["vip"]


def test_a_name_that_two_segments_have_is_left_also_where_one_is_of_v1() -> None:
    remotes = (remote(1, "A"), remote(2, "A"), remote(3, "B"), remote(4, "B", query_version=None))
    result = build_import(Snapshot(remotes), [one.id for one in remotes], [])
    assert result.files == ()
    assert [one.remote.id[:8] for one in result.skipped] == [f"0000000{n}" for n in range(1, 5)]
    assert "the account has 2 segments named `A`" in result.skipped[0].reason
    assert "the account has 2 segments named `B`" in result.skipped[2].reason
    assert "v1" in result.skipped[3].reason


def test_a_reason_shows_no_key_and_always_a_name() -> None:
    remotes = (remote(1, KEY), remote(2, "\t"))
    result = build_import(Snapshot(remotes), [one.id for one in remotes], [])
    assert KEY not in repr([(one.reason, one.hint) for one in result.skipped])
    assert result.skipped[0].reason.startswith("segment 00000002-0000 cannot be written")
    assert result.skipped[1].reason.startswith("`SG.***` cannot be written")
