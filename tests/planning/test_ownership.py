"""Renames, removals and replacements on the emulated account.

Every scenario is applied until nothing is left to do, and the plan after that is empty. The removal
history is passed in instead of read from git.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from segctl.app import listing, plan
from segctl.model import Segment
from segctl.model.proof import CommitRef, DeclaredVersion
from segctl.planning.ownership import Removal, RemovalHistory
from segctl.planning.temporary_names import Marker, temporary_name
from tests.support.builders import query

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.emulator.console import Console
    from tests.support.account import Remote
    from tests.support.project import Project

VIP, CZECH, BRNO = (
    query("total_spend > 500"),
    query("preferred_language = 'cs'"),
    query("city = 'Brno'"),
)
LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
OTHER_LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000002"
LATER = "2026-07-15T17:00:00Z"
EARLIER = "2026-07-15T16:00:00Z"


@pytest.fixture
def console(remote: Remote) -> Console:
    remote.emulator.console.add_list("A list", id=LIST)
    return remote.emulator.console


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets the removal history."""

    def set_history(*removals: Removal, unavailable: str = "", remedy: str = "") -> None:
        removal_history = RemovalHistory(removals, unavailable, remedy)
        for module in (plan, listing):
            monkeypatch.setattr(module, "removal_history", lambda *_: removal_history)

    return set_history


def removal(
    name: str,
    text: str = VIP,
    *,
    parent: str | None = None,
    protected: bool = False,
    file: str = "segments/gone.yaml",
    at: str = LATER,
    renamed_to: str = "",
    earlier: str = VIP,
) -> Removal:
    """Return a removal of a segment that was declared with the query `earlier`, then `text`."""
    segment = Segment(name, text, (parent,) if parent else ())
    declared = CommitRef("decade", EARLIER)
    versions = (
        DeclaredVersion(Segment(name, earlier), file, declared),
        DeclaredVersion(segment, file, declared),
    )
    return Removal(segment, protected, file, "c0ffee", at, renamed_to, "A Committer", versions)


def ids_by_name(remote: Remote) -> dict[str, str]:
    """Return the ids of the account's segments by name."""
    return {segment.name: segment.id for segment in remote.emulator.console.segments()}


def apply_until_done(project: Project, remote: Remote, runs: int = 1) -> str:
    """Apply `runs` times, six minutes apart, only the last one complete; return the first text."""
    first_output = ""
    for number in range(runs):
        result = project.run("apply", "--auto-approve")
        assert result.code == (0 if number == runs - 1 else 4), result.out + result.err
        first_output = first_output or result.out
        remote.clock.forward(minutes=6)
    assert project.run("plan", "--detailed-exitcode").code == 0
    again = project.run("apply", "--auto-approve")
    assert again.code == 0
    assert "No changes." in again.out
    return first_output


def rename(project: Project, name: str, text: str, *old_names: str, more: str = "") -> None:
    names = ", ".join(f'"{old}"' for old in old_names)
    project.declare(name, text, extra=f"previous_names: [{names}]\n{more}")


# Renames


def test_a_rename_keeps_the_id_and_changes_the_query_too(
    connected: Project, remote: Remote, console: Console
) -> None:
    old = console.create("VIP", VIP)
    rename(connected, "Gold", CZECH, "Older", "VIP")
    out = apply_until_done(connected, remote)
    assert "renamed by `previous_names`" in out
    assert "name  VIP -> Gold" in out
    assert ids_by_name(remote) == {"Gold": old}
    assert remote.definitions()["Gold"] == (CZECH, ())
    assert [entry.method for entry in remote.emulator.log if entry.method != "GET"] == ["PATCH"]


def test_a_previous_name_that_no_segment_has_is_a_create(
    connected: Project, remote: Remote, console: Console
) -> None:
    console.create("vip", VIP)
    rename(connected, "Gold", VIP, "VIP")
    apply_until_done(connected, remote)
    assert set(ids_by_name(remote)) == {"vip", "Gold"}


def test_the_current_name_takes_precedence_over_a_previous_one(
    connected: Project, remote: Remote, console: Console
) -> None:
    console.create("VIP", CZECH)
    console.create("Gold", VIP)
    before = ids_by_name(remote)
    rename(connected, "Gold", VIP, "VIP")
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == before


def test_a_chain_of_renames_frees_each_name_first(
    connected: Project, remote: Remote, console: Console
) -> None:
    a, b, c = console.create("A", VIP), console.create("B", CZECH), console.create("C", BRNO)
    rename(connected, "B", VIP, "A")
    rename(connected, "C", CZECH, "B")
    rename(connected, "D", BRNO, "C")
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == {"B": a, "C": b, "D": c}


@pytest.mark.parametrize("size", [2, 3, 5])
def test_a_cycle_of_names_uses_a_temporary_name(
    connected: Project, remote: Remote, console: Console, size: int
) -> None:
    texts = [query(f"total_spend > {number}") for number in range(size)]
    ids = [console.create(f"N{number}", text) for number, text in enumerate(texts)]
    for number, text in enumerate(texts):
        rename(connected, f"N{(number + 1) % size}", text, f"N{number}")
    out = apply_until_done(connected, remote, runs=2)
    assert "renamed temporarily to free its name" in out
    assert "five minutes" in out
    assert ids_by_name(remote) == {
        f"N{(number + 1) % size}": segment_id for number, segment_id in enumerate(ids)
    }


def test_a_swap_with_changed_queries_is_an_error(
    connected: Project, remote: Remote, console: Console
) -> None:
    console.create("A", VIP)
    console.create("B", CZECH)
    rename(connected, "A", BRNO, "B")
    rename(connected, "B", query("city = 'Praha'"), "A")
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert "unclear-swap" in result.out


def test_an_edit_after_a_swap_does_not_swap_again(
    connected: Project, remote: Remote, console: Console
) -> None:
    a, b = console.create("A", VIP), console.create("B", CZECH)
    rename(connected, "A", BRNO, "B")
    rename(connected, "B", CZECH, "A")
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == {"A": a, "B": b}


MOVES = {
    "swap": {"A": ("B", VIP), "B": ("A", CZECH)},
    "swap and edit": {"A": ("B", BRNO), "B": ("A", CZECH)},
    "cycle": {"A": ("B", VIP), "B": ("C", CZECH), "C": ("A", BRNO)},
    "chain": {"A": ("B", VIP), "B": ("C", CZECH), "C": ("D", BRNO)},
}


@pytest.mark.parametrize("stop", range(1, 5))
@pytest.mark.parametrize("fault", ["drop", "drop after"])
@pytest.mark.parametrize("moves", MOVES.values(), ids=MOVES)
def test_renames_survive_a_failure_at_any_write_and_the_update_lock(
    *,
    connected: Project,
    remote: Remote,
    console: Console,
    moves: dict[str, tuple[str, str]],
    stop: int,
    fault: str,
) -> None:
    texts = {"A": VIP, "B": CZECH, "C": BRNO}
    ids = {name: console.create(name, texts[name]) for name in moves}
    for old, (new, text) in moves.items():
        rename(connected, new, text, old)
    remote.emulator.faults.add(f"PATCH * {fault} #{stop} always")
    connected.run("apply", "--auto-approve")
    remote.emulator.faults.clear()
    assert {segment.id for segment in console.segments()} == set(ids.values())
    # First at once, while the changed segments are locked, and again before they are unlocked.
    for _ in range(8):
        if connected.run("apply", "--auto-approve").code == 0:
            break
        assert {segment.id for segment in console.segments()} == set(ids.values())
        remote.clock.forward(minutes=2)
    assert ids_by_name(remote) == {new: ids[old] for old, (new, _) in moves.items()}
    assert {name: query for name, (query, _) in remote.definitions().items()} == dict(
        moves.values()
    )
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_a_swap_that_is_reverted_half_way_is_undone(
    connected: Project, remote: Remote, console: Console
) -> None:
    a, b = console.create("A", VIP), console.create("B", CZECH)
    console.edit(a, name=temporary_name("A", a, Marker.MOVING))
    connected.declare("A", VIP)
    connected.declare("B", CZECH)
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == {"A": a, "B": b}


def test_a_long_name_is_recognised_when_it_is_truncated(
    connected: Project, remote: Remote, console: Console
) -> None:
    name = "x" * 100
    a = console.create(name, VIP)
    console.edit(a, name=temporary_name(name, a, Marker.MOVING))
    rename(connected, "Short", VIP, name)
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == {"Short": a}


@pytest.mark.parametrize(
    ("names", "files", "code"),
    [
        (["A", "B"], {"C": ["A", "B"]}, "ambiguous-previous-name"),
        (["A"], {"B": ["A"], "C": ["A"]}, "claimed-twice"),
        (["A"], {"A": [], "C": ["A"]}, "claimed-twice"),
    ],
)
def test_an_ambiguous_claim_is_an_error(
    *,
    connected: Project,
    remote: Remote,
    console: Console,
    names: list[str],
    files: dict[str, list[str]],
    code: str,
) -> None:
    for name in names:
        console.create(name, VIP)
    for name, old_names in files.items():
        rename(connected, name, VIP, *old_names)
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert f"error[{code}]" in result.out
    assert set(ids_by_name(remote)) == set(names)


def test_selecting_only_part_of_a_chain_is_an_error(
    connected: Project, remote: Remote, console: Console
) -> None:
    console.create("A", VIP)
    console.create("B", CZECH)
    rename(connected, "B", VIP, "A")
    rename(connected, "C", CZECH, "B")
    result = connected.run("plan", "--only", "B")
    assert result.code == 1
    assert "name-in-use" in result.out
    assert connected.run("plan", "--only", "C", "--detailed-exitcode").code == 2


def test_a_rename_that_waits_for_a_failed_one_is_not_attempted(
    connected: Project, remote: Remote, console: Console
) -> None:
    console.create("A", VIP)
    b = console.create("B", CZECH)
    rename(connected, "B", VIP, "A")
    rename(connected, "C", CZECH, "B")
    remote.emulator.faults.add(f"PATCH *{b} 403")
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert "`B` is still the name of another segment" in result.out
    apply_until_done(connected, remote)


# Tombstones


@pytest.mark.parametrize("word", ["true", "forget"])
def test_a_file_with_removed_deletes_or_forgets_its_segment(
    connected: Project, remote: Remote, console: Console, word: str
) -> None:
    console.create("Old", VIP)
    console.create("By hand", CZECH)
    connected.write({"segments/old.yaml": f"name: Old\nremoved: {word}\n"})
    out = apply_until_done(connected, remote)
    assert set(ids_by_name(remote)) == ({"By hand"} if word == "true" else {"By hand", "Old"})
    assert ("its file sets `removed`" in out) == (word == "true")


def test_a_forgotten_segment_is_left_alone_whatever_the_history_shows(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    console.create("Old", VIP)
    history(removal("Old"))
    connected.write({"segments/old.yaml": "name: Old\nremoved: forget\n"})
    connected.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    apply_until_done(connected, remote)
    assert set(ids_by_name(remote)) == {"Old"}


@pytest.mark.parametrize(("name", "is_reported"), [("vip custmers", True), ("Churn risk", False)])
def test_a_file_that_removes_nothing_suggests_a_similar_name(
    connected: Project, remote: Remote, console: Console, name: str, is_reported: bool
) -> None:
    console.create("VIP customers", VIP)
    connected.write({"segments/gone.yaml": f"name: {name}\nremoved: true\n"})
    result = connected.run("plan", "--detailed-exitcode")
    assert result.code == 0
    output = result.out + result.err
    assert (f"segment `{name}` not found, so this file removes nothing" in output) is is_reported
    assert ("write `VIP customers` if" in output) is is_reported
    apply_until_done(connected, remote)
    assert set(ids_by_name(remote)) == {"VIP customers"}


def test_a_file_with_removed_deletes_a_v1_segment(
    connected: Project, remote: Remote, console: Console
) -> None:
    segment_id = console.seed_v1("Old", "email LIKE '%x'")
    console.seed_v1("Older", "email LIKE '%y'")
    connected.write({"segments/old.yaml": "name: Old\nremoved: true\n"})
    result = connected.run("plan")
    assert "- delete  Old" in result.out
    assert "email LIKE '%x'" in result.out
    apply_until_done(connected, remote)
    assert set(ids_by_name(remote)) == {"Older"}
    deletes = [entry for entry in remote.emulator.log if entry.method == "DELETE"]
    assert [entry.target for entry in deletes] == [f"/v3/marketing/segments/{segment_id}"]


def test_a_v1_segment_that_a_single_send_targets_is_not_deleted(
    connected: Project, remote: Remote, console: Console
) -> None:
    segment_id = console.seed_v1("Old", "email LIKE '%x'")
    console.add_single_send("Spring", segment_ids=[segment_id])
    connected.write({"segments/old.yaml": "name: Old\nremoved: true\n"})
    result = connected.run("apply", "--auto-approve")
    assert result.code == 3
    assert "in-use" in result.out
    assert set(ids_by_name(remote)) == {"Old"}


def test_exclusive_ownership_includes_v1_segments(
    connected: Project, remote: Remote, console: Console
) -> None:
    console.seed_v1("Old", "email LIKE '%x'")
    console.seed_v1("Kept of v1", "email LIKE '%x'")
    connected.declare("Kept", VIP)
    connected.write(
        {
            "segctl.yaml": "version: 1\nownership: exclusive\n",
            "segments/forgotten.yaml": "name: Kept of v1\nremoved: forget\n",
        }
    )
    apply_until_done(connected, remote)
    assert set(ids_by_name(remote)) == {"Kept", "Kept of v1"}


# Undeclared segments


@pytest.mark.parametrize(
    ("mode", "gone"),
    [
        ("history", {"Ours"}),
        ("declared", set()),
        ("exclusive", {"Ours", "By hand", "Namesake", "v1"}),
    ],
)
def test_ownership_decides_which_undeclared_segments_are_deleted(
    *,
    connected: Project,
    remote: Remote,
    console: Console,
    history: Callable[..., None],
    mode: str,
    gone: set[str],
) -> None:
    for name in ("Kept", "Ours", "By hand", "Namesake", "Protected"):
        console.create(name, VIP)
    console.seed_v1("v1", "email LIKE '%x'")
    history(
        removal("Ours", CZECH),
        removal("Namesake", at=EARLIER),
        removal("Protected", protected=True),
        removal("v1"),
        removal("Never was there"),
    )
    connected.declare("Kept", VIP)
    settings = f"version: 1\nownership: {mode}\nlimits: {{max_destroy: 4}}\n"
    connected.write({"segctl.yaml": settings})
    apply_until_done(connected, remote)
    everything = {"Kept", "Ours", "By hand", "Namesake", "Protected", "v1"}
    assert set(ids_by_name(remote)) == everything - gone


def test_without_a_history_nothing_is_deleted_and_one_warning_gives_the_reason(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    history(removal("Ours"), unavailable="the clone is shallow", remedy="`fetch-depth: 0`")
    connected.declare("Kept", VIP)
    assert "history-unavailable" not in connected.run("plan").out
    console.create("Ours", VIP)
    result = connected.run("plan").out
    assert result.count("history-unavailable") == 1
    assert "fetch-depth: 0" in result
    apply_until_done(connected, remote)
    assert set(ids_by_name(remote)) == {"Ours", "Kept"}


def test_outside_of_git_one_warning_has_a_hint(
    connected: Project, remote: Remote, console: Console
) -> None:
    connected.declare("Kept", VIP)
    assert "warning" not in connected.run("plan").out
    console.create("By hand", VIP)
    result = connected.run("plan").out
    assert "not in a git repository" in result
    assert "`git init`" in result
    connected.write({"segctl.yaml": "version: 1\nownership: declared\n"})
    assert "warning" not in connected.run("plan").out


@pytest.mark.parametrize(
    ("mode", "names", "argv", "reads"),
    [
        ("history", ["Kept", "New name", "Forgotten"], [], 0),
        ("history", ["Kept", "Old name", "Forgotten"], [], 1),
        ("history", ["By hand"], [], 1),
        ("exclusive", ["By hand"], [], 1),
        ("declared", ["By hand", "Kept", "New name"], [], 0),
        ("declared", ["By hand", "Kept"], [], 1),
        ("declared", ["By hand", "Kept"], ["--no-detect-renames"], 0),
        ("history", ["Kept"], ["--only", "Kept"], 0),
        ("history", ["Kept"], ["--only", "Ours"], 1),
        ("history", ["Kept", "Ours"], ["--only", "*"], 1),
    ],
)
def test_git_is_read_only_where_it_matters(
    *,
    connected: Project,
    console: Console,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
    names: list[str],
    argv: list[str],
    reads: int,
) -> None:
    calls: list[object] = []

    def read(*args: object) -> RemovalHistory:
        calls.append(args)
        return RemovalHistory((removal("Ours"),))

    monkeypatch.setattr(plan, "removal_history", read)
    connected.declare("Kept", VIP)
    rename(connected, "New name", CZECH, "Old name")
    connected.write({"segments/forgotten.yaml": "name: Forgotten\nremoved: forget\n"})
    connected.write({"segctl.yaml": f"version: 1\nownership: {mode}\n"})
    for name in names:
        console.create(name, CZECH if name == "New name" else VIP)
    console.seed_v1("v1", "email LIKE '%x'")
    assert connected.run("plan", *argv).code in (0, 3)
    assert len(calls) == reads
    if not argv:
        connected.run("drift")
        assert len(calls) == 2 * reads


# Renames from the history


def test_a_removed_file_and_a_new_one_with_the_same_query_are_a_rename(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    old = console.create("VIP", CZECH)
    history(removal("VIP", VIP, earlier=CZECH))
    connected.declare("Gold", VIP.replace(" > ", ">"))
    out = apply_until_done(connected, remote)
    assert "a removed file had the same query" in out
    assert ids_by_name(remote) == {"Gold": old}


def test_a_name_changed_in_its_file_is_a_rename(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    old = console.create("VIP", VIP)
    connected.declare("Gold", CZECH)
    # In two steps, the first of which was never applied; and the file may have moved since.
    history(removal("VIP", VIP, renamed_to="Silver"), removal("Silver", BRNO, renamed_to="Gold"))
    assert "the name changed in its file" in apply_until_done(connected, remote)
    assert ids_by_name(remote) == {"Gold": old}


def test_a_different_segment_in_the_file_of_a_removed_one_is_not_a_rename(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    old = console.create("VIP", VIP)
    file = connected.declare("Gold", CZECH)
    history(removal("VIP", VIP, file=file))
    apply_until_done(connected, remote)
    assert set(ids_by_name(remote)) == {"Gold"}
    assert ids_by_name(remote)["Gold"] != old


@pytest.mark.parametrize(
    "changed",
    [{"at": EARLIER}, {"text": BRNO}, {"parent": LIST}],
    ids=["a namesake", "another query", "another parent list"],
)
def test_a_different_segment_is_not_a_rename(
    *,
    connected: Project,
    remote: Remote,
    console: Console,
    history: Callable[..., None],
    changed: dict[str, str],
) -> None:
    console.create("VIP", VIP)
    history(removal("VIP", **changed))  # type: ignore[arg-type]
    connected.declare("Gold", VIP)
    out = connected.run("plan").out
    assert "+ create  Gold" in out
    assert "~ patch" not in out


def test_detection_can_be_turned_off(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    console.create("VIP", VIP)
    history(removal("VIP"))
    connected.declare("Gold", VIP)
    out = connected.run("plan", "--no-detect-renames").out
    assert "1 to create, 0 to patch, 0 to replace, 1 to delete" in out


@pytest.mark.parametrize("new", [["Gold"], ["Gold", "Silver"]])
def test_two_possible_renames_are_an_error(
    *,
    connected: Project,
    remote: Remote,
    console: Console,
    history: Callable[..., None],
    new: list[str],
) -> None:
    old_names = ["VIP", "Other"][: 3 - len(new)]
    for name in old_names:
        console.create(name, VIP)
    history(*map(removal, old_names))
    for name in new:
        connected.declare(name, VIP)
    result = connected.run("plan")
    assert result.code == 1
    assert "unclear-rename" in result.out


# Limits


def test_too_many_deletes_are_refused_with_the_setting_that_allows_them(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    names = [f"Old {number}" for number in range(4)]
    for name in [*names, "Kept"]:
        console.create(name, VIP)
    connected.declare("Kept", VIP)
    history(*map(removal, names))
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    assert "would delete or replace 4 segments, more than the limit of 3" in refused.out
    assert "limits: {allow_destroy: 4}" in refused.out
    connected.write({"segctl.yaml": "version: 1\nlimits: {allow_destroy: 5}\n"})
    assert connected.run("plan").code == 3
    connected.write({"segctl.yaml": "version: 1\nlimits: {allow_destroy: 4}\n"})
    apply_until_done(connected, remote)
    assert set(ids_by_name(remote)) == {"Kept"}


@pytest.mark.parametrize(("managed", "gone", "code"), [(25, 6, 0), (24, 6, 0), (23, 6, 3)])
def test_a_fifth_of_the_managed_segments_may_be_deleted(
    *,
    connected: Project,
    remote: Remote,
    console: Console,
    history: Callable[..., None],
    managed: int,
    gone: int,
    code: int,
) -> None:
    old_names = [f"Old {number}" for number in range(gone)]
    kept = [f"Kept {number}" for number in range(managed)]
    for name in [*old_names, *kept]:
        console.create(name, VIP)
    for name in kept:
        connected.declare(name, VIP)
    history(*map(removal, old_names))
    assert connected.run("plan").code == code


def test_the_last_segment_is_not_deleted_without_allow_destroy(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    console.create("Old", VIP)
    history(removal("Old"))
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    assert "without any segment" in refused.out
    connected.write({"segctl.yaml": "version: 1\nlimits: {allow_destroy: 1}\n"})
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == {}


def test_in_a_full_account_deletes_come_first(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    for number in range(200):
        console.create(f"S{number}", VIP)
    history(removal("S0"))
    connected.declare("New", CZECH)
    apply_until_done(connected, remote)
    assert "S0" not in ids_by_name(remote)
    assert len(ids_by_name(remote)) == 200


# Replacing


def declare_replaceable(
    project: Project, name: str = "VIP", text: str = VIP, *, parent: str | None = LIST
) -> None:
    project.declare(name, text, parent=parent, extra="allow_replace: true\n")


def test_a_replace_creates_the_new_segment_before_it_deletes_the_old_one(
    connected: Project, remote: Remote, console: Console
) -> None:
    old = console.create("VIP", VIP)
    declare_replaceable(connected)
    out = apply_until_done(connected, remote)
    assert "1 to replace" in out
    assert "id-changes" in out
    assert "array_contains(list_ids" in out
    assert remote.definitions() == {"VIP": (VIP, (LIST,))}
    assert ids_by_name(remote)["VIP"] != old
    writes = [entry.method for entry in remote.emulator.log if entry.method != "GET"]
    assert writes == ["PATCH", "POST", "DELETE"]


def test_a_protected_segment_is_never_replaced(
    connected: Project, remote: Remote, console: Console
) -> None:
    console.create("VIP", VIP)
    connected.declare("VIP", VIP, parent=LIST, extra="allow_replace: true\nprotected: true\n")
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    assert "error[protected]" in refused.out


def test_a_replace_can_rename_and_does_not_need_a_free_name(
    connected: Project, remote: Remote, console: Console
) -> None:
    console.create("A", VIP)
    b = console.create("B", CZECH)
    # B becomes C and is replaced in a list; A becomes B, whose name must be free by then.
    connected.declare("C", CZECH, parent=LIST, extra="allow_replace: true\nprevious_names: [B]\n")
    rename(connected, "B", VIP, "A")
    apply_until_done(connected, remote)
    assert remote.definitions() == {"C": (CZECH, (LIST,)), "B": (VIP, ())}
    assert b not in ids_by_name(remote).values()


@pytest.mark.parametrize("method", ["GET", "PATCH", "POST", "DELETE"])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("fault", ["403", "500", "502 after", "drop", "drop after"])
def test_a_replace_survives_a_failure_at_any_request(
    *, connected: Project, remote: Remote, console: Console, method: str, nth: int, fault: str
) -> None:
    console.create("VIP", VIP)
    console.create("By hand", CZECH)
    declare_replaceable(connected)
    remote.emulator.faults.add(f"{method} /v3/marketing/segments/* {fault} #{nth} always")
    connected.run("apply", "--auto-approve")
    remote.emulator.faults.clear()
    assert any(text == VIP for text, _ in remote.definitions().values()), "the segment is lost"
    for _ in range(3):
        remote.clock.forward(minutes=6)
        connected.run("apply", "--auto-approve")
        assert any(text == VIP for text, _ in remote.definitions().values()), "the segment is lost"
    assert remote.definitions() == {"VIP": (VIP, (LIST,)), "By hand": (CZECH, ())}
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_a_replace_that_is_reverted_restores_the_name(
    connected: Project, remote: Remote, console: Console
) -> None:
    old = console.create("VIP", VIP)
    console.edit(old, name=temporary_name("VIP", old, Marker.OLD))
    connected.declare("VIP", VIP)
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == {"VIP": old}


def test_a_rejected_query_restores_the_old_segment(
    connected: Project, remote: Remote, console: Console
) -> None:
    old = console.create("VIP", VIP)
    declare_replaceable(connected, text=query("no_such_field = 1"))
    connected.write({"segctl.yaml": "version: 1\nlint: {rules: {unknown-column: off}}\n"})
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert "does not accept the query" in result.out
    assert set(ids_by_name(remote).values()) == {old}
    remote.clock.forward(minutes=6)
    declare_replaceable(connected)
    apply_until_done(connected, remote)
    assert remote.definitions() == {"VIP": (VIP, (LIST,))}


def test_the_old_segment_stays_until_the_new_one_is_valid(
    connected: Project, remote: Remote, console: Console
) -> None:
    events = (
        "SELECT c.contact_id, c.updated_at FROM contact_data AS c "
        "JOIN event_data AS e ON c.contact_id = e.contact_id "
        "WHERE e.event_source = 'mail' AND e.event_type = 'click' "
        "AND e.timestamp > timestampadd(day, -30, CURRENT_TIMESTAMP)"
    )
    old = console.create("VIP", events)
    declare_replaceable(connected, text=events)
    new = None
    for _ in range(2):
        result = connected.run("apply", "--auto-approve")
        assert result.code == 4
        assert (
            "waiting       replace VIP: SendGrid is still validating the new segment" in result.out
        )
        assert "waiting at most 2 min, SendGrid is validating the query" in result.err
        assert sum(connected.clock.slept) <= 120
        connected.clock.slept.clear()
        assert old in ids_by_name(remote).values()
        assert new in (None, ids_by_name(remote)["VIP"])
        new = ids_by_name(remote)["VIP"]
    saved = connected.root / "plan.json"
    waiting = connected.run("plan", "--detailed-exitcode", "--out", str(saved))
    assert waiting.code == 2
    assert "resumes what an earlier run left unfinished" in waiting.out
    assert f"its successor exists, id {new}" in waiting.out
    remote.clock.forward(minutes=6)
    assert connected.run("apply", str(saved), "--auto-approve").code == 0
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == {"VIP": new}


@pytest.fixture
def unfinished(connected: Project, console: Console) -> tuple[str, str]:
    """Return the ids of the old and the new segment of an unfinished replacement."""
    old = console.create("VIP", VIP)
    console.edit(old, name=temporary_name("VIP", old, Marker.OLD))
    new = console.create("VIP", VIP, parent_list_ids=(LIST,))
    declare_replaceable(connected)
    return old, new


def test_an_unfinished_replacement_fits_into_a_full_account_and_frees_a_place(
    connected: Project, remote: Remote, console: Console, unfinished: tuple[str, str]
) -> None:
    for number in range(198):
        console.create(f"S{number}", VIP)
    console.add_list("Second", id=OTHER_LIST)
    connected.declare("S0", VIP, parent=OTHER_LIST, extra="allow_replace: true\n")
    apply_until_done(connected, remote)
    assert len(ids_by_name(remote)) == 199
    assert ids_by_name(remote)["VIP"] == unfinished[1]
    writes = [entry.method for entry in remote.emulator.log if entry.method != "GET"]
    assert sorted(writes) == ["DELETE", "DELETE", "PATCH", "POST"]


def test_an_unfinished_replacement_applies_a_query_that_changed_since(
    connected: Project, remote: Remote, unfinished: tuple[str, str]
) -> None:
    remote.clock.forward(minutes=6)
    declare_replaceable(connected, text=CZECH)
    apply_until_done(connected, remote)
    assert remote.definitions() == {"VIP": (CZECH, (LIST,))}
    assert ids_by_name(remote)["VIP"] == unfinished[1]


def test_an_unfinished_replacement_with_a_rejected_query_restores_the_name(
    connected: Project, remote: Remote, console: Console, unfinished: tuple[str, str]
) -> None:
    old, new = unfinished
    console.edit(new, query=query("no_such_field = 1"))
    declare_replaceable(connected, text=query("no_such_field = 1"))
    connected.write({"segctl.yaml": "version: 1\nlint: {rules: {unknown-column: off}}\n"})
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert "it was deleted again, and the old one stays as `VIP`" in result.out
    assert ids_by_name(remote) == {"VIP": old}


def test_an_unfinished_replacement_whose_new_segment_was_edited_is_a_conflict(
    connected: Project,
    remote: Remote,
    console: Console,
    unfinished: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The plan reads its definition, the apply reads it again.
    reads = iter(range(9))
    path = f"/v3/marketing/segments/2.0/{unfinished[1]}"
    handle = remote.emulator.handle

    def edit_on_second_read(method: str, target: str, *rest: Any) -> Any:
        if method == "GET" and target.startswith(path) and next(reads) == 1:
            console.edit(unfinished[1], query=CZECH)
        return handle(method, target, *rest)

    monkeypatch.setattr(remote.emulator, "handle", edit_on_second_read)
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert "someone changed the segment after the plan was made (query_dsl)" in result.out
    assert set(ids_by_name(remote).values()) == set(unfinished)


def test_an_old_segment_that_another_file_claims_is_not_deleted(
    connected: Project, remote: Remote, unfinished: tuple[str, str]
) -> None:
    old, new = unfinished
    remote.clock.forward(minutes=6)
    rename(connected, "Rescued", VIP, temporary_name("VIP", old, Marker.OLD))
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == {"VIP": new, "Rescued": old}


def test_an_old_segment_that_a_file_forgets_is_not_deleted(
    connected: Project, remote: Remote, unfinished: tuple[str, str]
) -> None:
    old, new = unfinished
    old_name = temporary_name("VIP", old, Marker.OLD)
    connected.write({"segments/old.yaml": f"name: {old_name}\nremoved: forget\n"})
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == {"VIP": new, old_name: old}


def test_an_old_segment_that_fits_two_long_names_is_left_alone(
    connected: Project, remote: Remote, console: Console
) -> None:
    """A temporary name truncates a long name, so it can belong to several."""
    names = ["x" * 95 + end for end in ("one", "two")]
    old = console.create("Old", VIP)
    console.edit(old, name=temporary_name(names[0], old, Marker.OLD))
    for name in names:
        console.create(name, VIP, parent_list_ids=(LIST,))
        declare_replaceable(connected, name)
    result = connected.run("apply", "--auto-approve")
    assert (result.code, "warning[replacement-unfinished]" in result.out) == (4, True)
    assert old in ids_by_name(remote).values()


@pytest.mark.parametrize("why", ["its query was different", "it is in use"])
def test_an_unfinished_replacement_keeps_a_new_segment_that_someone_may_need(
    *, connected: Project, remote: Remote, console: Console, unfinished: tuple[str, str], why: str
) -> None:
    old, new = unfinished
    wrong = query("no_such_field = 1")
    if why == "it is in use":
        console.edit(new, query=wrong)
        console.add_single_send("Weekly", status="scheduled", segment_ids=(new,))
    remote.clock.forward(minutes=6)
    declare_replaceable(connected, text=wrong)
    connected.write({"segctl.yaml": "version: 1\nlint: {rules: {unknown-column: off}}\n"})
    result = connected.run("apply", "--auto-approve")
    assert result.code == (1 if why == "it is in use" else 4)
    assert "does not accept the query of the new segment" in result.out
    assert "it stays" in result.out
    assert set(ids_by_name(remote).values()) == {old, new}
    remote.clock.forward(minutes=6)
    declare_replaceable(connected)
    apply_until_done(connected, remote)
    assert ids_by_name(remote) == {"VIP": new}


def test_a_saved_plan_is_stale_when_its_successor_changed(
    connected: Project, remote: Remote, console: Console, unfinished: tuple[str, str]
) -> None:
    saved = connected.root / "plan.json"
    remote.clock.forward(minutes=6)
    assert connected.run("plan", "--out", str(saved)).code == 0
    console.edit(unfinished[1], query=CZECH)
    result = connected.run("apply", str(saved), "--auto-approve")
    assert (result.code, "stale-changed" in result.out + result.err) == (3, True)
    assert remote.definitions()["VIP"] == (CZECH, (LIST,))
    assert set(ids_by_name(remote).values()) == set(unfinished)


@pytest.mark.parametrize("extra", ["", "allow_replace: true\nprotected: true\n"])
def test_an_apply_that_may_not_finish_a_replacement_is_incomplete(
    connected: Project, remote: Remote, unfinished: tuple[str, str], extra: str
) -> None:
    connected.declare("VIP", VIP, parent=LIST, extra=extra)
    connected.declare("New", CZECH)
    result = connected.run("apply", "--auto-approve")
    assert result.code == 4
    assert "warning[replacement-unfinished]" in result.out
    assert "New" in ids_by_name(remote)
    again = connected.run("apply", "--auto-approve")
    assert again.code == 4
    assert "No changes." in again.out
    assert "does not match the files yet" in again.err
    assert set(unfinished) <= set(ids_by_name(remote).values())


# References


@pytest.mark.parametrize("status", ["draft", "scheduled", "triggered"])
@pytest.mark.parametrize("how", ["delete", "replace"])
def test_a_segment_that_a_single_send_targets_is_not_deleted(
    connected: Project, remote: Remote, console: Console, status: str, how: str
) -> None:
    old = console.create("VIP", VIP)
    for number in range(101 if status == "draft" else 1):
        # The list has pages of a hundred.
        console.add_single_send(f"Send {number}")
    console.add_single_send("Spring sale", status=status, segment_ids=["x", old])
    if how == "delete":
        console.create("Other", CZECH)
        connected.write({"segments/vip.yaml": "name: VIP\nremoved: true\n"})
    else:
        declare_replaceable(connected)
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    assert f"the Single Send `Spring sale` ({status}) targets `VIP`" in refused.out
    assert "Not checked: automations and the exclusion lists of" in refused.out
    assert ids_by_name(remote)["VIP"] == old
    result = connected.run("plan", "--ignore-references", "VIP")
    assert result.code == 0
    assert "reference-ignored" in result.out
    assert connected.run("plan", "--ignore-references", "Other").code == 3
    assert connected.run("apply", "--auto-approve", "--ignore-references", "VIP").code == 0
    assert old not in ids_by_name(remote).values()
    assert connected.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("fault", ["403", "500 always", "wrong-json", "truncated always"])
@pytest.mark.parametrize("path", ["singlesends", "singlesends/*"])
def test_a_failed_read_of_references_stops_the_plan(
    connected: Project, remote: Remote, console: Console, fault: str, path: str
) -> None:
    console.create("VIP", VIP)
    console.create("Other", CZECH)
    console.add_single_send("Send")
    connected.write({"segments/vip.yaml": "name: VIP\nremoved: true\n"})
    remote.emulator.faults.add(f"GET /v3/marketing/{path} {fault}")
    assert connected.run("apply", "--auto-approve").code == 1
    assert "VIP" in ids_by_name(remote)


def test_single_sends_are_read_only_where_a_segment_changes(
    connected: Project, remote: Remote
) -> None:
    connected.declare("VIP", VIP)
    apply_until_done(connected, remote)
    assert not [entry for entry in remote.emulator.log if "singlesends" in entry.target]


# The list


def test_the_list_shows_ownership_and_single_sends(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    for name in ("Kept", "Ours", "By hand"):
        console.create(name, VIP)
    console.add_single_send(
        "Spring sale", status="scheduled", segment_ids=[ids_by_name(remote)["Ours"]]
    )
    history(removal("Ours"))
    connected.declare("Kept", VIP)
    result = connected.run("list", "--references")
    rows = {line.split("  ")[0]: line for line in result.out.splitlines()}
    assert " yes " in rows["Kept"]
    assert " no " in rows["By hand"]
    assert " ours " in rows["Ours"]
    assert "Spring sale (scheduled)" in rows["Ours"]
    assert "3 of 200 segments used." in result.err
    assert "Automations were not read: add `references: {automations: observed}`" in result.err
    data = json.loads(connected.run("list", "--references", "--format", "json").out)
    flags = {entry["name"]: (entry["managed"], entry["ours"]) for entry in data["segments"]}
    assert flags == {"Kept": (True, False), "Ours": (False, True), "By hand": (False, False)}
    assert [len(entry["single_sends"]) for entry in data["segments"]] == [0, 0, 1]
    assert "used" not in connected.run("list", "--no-parent-list").err


def test_the_list_recognises_a_segment_by_its_previous_name(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    console.create("VIP", VIP)
    history(removal("VIP"))
    rename(connected, "Gold", VIP, "VIP")
    (entry,) = json.loads(connected.run("list", "--format", "json").out)["segments"]
    assert (entry["managed"], entry["ours"]) == (True, False)


def test_the_list_reports_that_the_history_is_unavailable(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    console.create("By hand", VIP)
    history(unavailable="this is a shallow clone")
    result = connected.run("list")
    assert result.code == 0
    assert "`ours` is unknown: this is a shallow clone." in result.err


# Drift


def test_drift_is_a_change_without_a_commit(
    connected: Project, remote: Remote, console: Console, history: Callable[..., None]
) -> None:
    for name in ("Same", "Edited", "Renamed", "Deleted", "Forgotten"):
        connected.declare(name, query(f"city = '{name}'"))
    assert connected.run("apply", "--auto-approve").code == 0
    clean = connected.run("drift", "--detailed-exitcode")
    assert (clean.code, clean.out) == (0, "No drift on production.\n")

    ids = ids_by_name(remote)
    console.edit(ids["Edited"], query=query("city = 'Elsewhere'"))
    console.edit(ids["Renamed"], name="Mine now")
    console.delete(ids["Deleted"])
    console.create("By hand", VIP)
    console.create("Ours", VIP)
    console.seed_v1("v1", "email LIKE '%x'")
    connected.write({"segments/forgotten.yaml": "name: Forgotten\nremoved: forget\n"})
    history(removal("Ours"))

    before = len(remote.emulator.log)
    result = connected.run("drift", "--detailed-exitcode")
    requests = Counter(entry.target for entry in remote.emulator.log[before:])
    assert requests["/v3/marketing/segments/2.0"] == 1
    # Nothing is read twice.
    assert {*requests.values()} == {1}
    assert result.code == 2
    assert result.out.endswith("Drift on production: 4 segments. 1 change not applied yet.\n")
    assert "now `Mine now`" in result.out
    assert "city = 'Elsewhere'" in result.out
    data = json.loads(connected.run("drift", "--format", "json").out)
    assert {drift["name"]: drift["kind"] for drift in data["drift"]} == {
        "Edited": "edited",
        "Renamed": "renamed",
        "Deleted": "deleted",
        "By hand": "created",
    }
    assert data["pending"] == 1
    assert "By hand" not in connected.run("drift", "--managed-only").out
    assert all(entry.method == "GET" for entry in remote.emulator.log[-8:])


def test_drift_that_cannot_be_computed_is_an_error(
    connected: Project, remote: Remote, console: Console
) -> None:
    console.seed_v1("VIP", "email LIKE '%x'")
    connected.declare("VIP", VIP)
    result = connected.run("drift", "--detailed-exitcode")
    assert (result.code, result.out) == (1, "")
    assert "name-held-by-v1" in result.err
