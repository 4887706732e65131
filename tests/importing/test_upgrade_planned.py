"""One v1 segment at a time: what an upgrade waits for, what stops it, how it goes on."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import Emulator, serve
from tests.support.account import KEY, TEST_SETTINGS, Remote
from tests.support.builders import query, segment_yaml
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.emulator import Record
    from tests.support.project import Project

V1 = "0f3ba1c2-5d6e-4f70-8a9b-1c2d3e4f5a6b"
OTHER = "0f3ba1c2-5d6e-4f70-8a9b-1c2d3e4f5a6c"
BRNO = query("city = 'Brno'")


def upgraded(text: str = BRNO, v1_id: str = V1, name: str = "Old", extra: str = "") -> str:
    return segment_yaml(name, text, extra=f"upgrade_from:\n  v1_id: {v1_id}\n{extra}")


@pytest.fixture
def account(project: Project) -> Iterator[Remote]:
    """An account without the update lock, whose clock is the project's."""
    settings = dataclasses.replace(TEST_SETTINGS, update_lock=0.0, sample_delay=10.0)
    with (
        Emulator(None, settings, now=project.clock.now) as emulator,
        serve(emulator) as server,
    ):
        project.env |= {"SEGCTL_BASE_URL": server.url, "SENDGRID_API_KEY": KEY}
        project.clock.moment = project.clock.moment.replace(minute=0)
        yield Remote(emulator, FakeClock(), server.url)


def held(remote: Remote) -> dict[str, Record]:
    return {one.name: one for one in remote.emulator.console.segments()}


def settled(project: Project, code: int = 0) -> str:
    """Apply, and see that there is nothing left to plan."""
    result = project.run("apply", "--auto-approve")
    assert result.code == code, result.out + result.err
    again = project.run("plan", "--detailed-exitcode")
    assert again.code == 0, again.out
    return result.out


def test_an_upgrade_from_beginning_to_end(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgraded()})
    shown = project.run("plan")
    assert "^ upgrade  Old" in shown.out
    assert "1 to upgrade" in shown.out
    assert "automations-unseen" in shown.out
    out = settled(project)
    assert "upgraded" in out
    (one,) = held(account).values()
    assert (one.name, one.query, one.version) == ("Old", BRNO, 2)
    writes = [
        (entry.method, entry.target) for entry in account.emulator.log if entry.method != "GET"
    ]
    assert writes == [
        ("POST", "/v3/marketing/segments/2.0"),
        ("DELETE", f"/v3/marketing/segments/{V1}"),
        ("PATCH", f"/v3/marketing/segments/2.0/{one.id}"),
    ]
    info = project.run("plan").out
    assert "info[upgrade-finished]" in info


def both(project: Project, remote: Remote, *argv: str, code: int = 4) -> str:
    """Apply, and see that the v1 segment stands with the new one beside it."""
    result = project.run("apply", "--auto-approve", *argv)
    assert result.code == code, result.out + result.err
    names = held(remote)
    assert {one.version for one in names.values()} == {1, 2}
    return result.out


def count(remote: Remote, number: int) -> None:
    """Let SendGrid count the new segment."""
    (new,) = [one for one in remote.emulator.console.segments() if one.version == 2]
    remote.emulator.console.edit(new.id, contacts_count=number)


def test_counts_that_differ_stop_it_until_the_query_is_right(
    project: Project, account: Remote
) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1, contacts_count=1000)
    project.write({"segments/old.yaml": upgraded()})
    out = both(project, account)
    assert "1,000 contacts and the new one 0, which is 100.0 % apart; the most is 5 %" in out
    assert "at segments/old.yaml:2:12" in out
    count(account, 949)
    both(project, account)
    # Patched beside the v1 segment, and counted anew.
    project.write({"segments/old.yaml": upgraded(query("city = 'Praha'"))})
    assert "5.1 % apart" in both(project, account)
    count(account, 950)
    settled(project)
    (one,) = held(account).values()
    assert (one.name, one.query) == ("Old", query("city = 'Praha'"))


def test_a_limit_of_100_compares_nothing_and_waits_for_no_count(
    project: Project, account: Remote
) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1, contacts_count=1000)
    project.write(
        {
            "segments/old.yaml": upgraded(),
            "segctl.yaml": "version: 1\nlimits: {max_upgrade_difference: 100}\n",
        }
    )
    settled(project)
    assert "counting" not in project.run("plan").err


def test_what_is_not_counted_yet_is_finished_later(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgraded()})
    out = both(project, account, "--count-timeout", "0", "--fail-fast")
    assert "waiting" in out
    assert "has not counted the new segment yet" in out
    assert "apply again later" in out
    project.clock.sleep(11)
    settled(project)


def test_what_is_still_checked_is_finished_later(project: Project, account: Remote) -> None:
    text = (
        "SELECT c.contact_id, c.updated_at FROM contact_data c JOIN event_data e "
        "ON c.contact_id = e.contact_id WHERE e.event_type = 'click'"
    )
    account.emulator.console.seed_v1("Old", "event_type = 'click'", id=V1)
    project.write({"segments/old.yaml": upgraded(text)})
    assert "still validating" in both(project, account, "--validation-timeout", "0")
    settled(project)


@pytest.mark.parametrize("tactic", ["keep", "rollback"])
def test_a_query_that_is_not_accepted(project: Project, account: Remote, tactic: str) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    project.write(
        {
            "segments/old.yaml": upgraded(query("nonsense = 'Brno'")),
            "segctl.yaml": "version: 1\nlint: {rules: {unknown-column: off}}\n",
        }
    )
    result = project.run("apply", "--auto-approve", "--on-invalid", tactic)
    assert "does not accept the query of the new segment" in result.out
    assert "the v1 one stays" in result.out
    assert (result.code, len(held(account))) == ((4, 2) if tactic == "keep" else (1, 1))
    project.write({"segments/old.yaml": upgraded()})
    settled(project)


def test_single_sends_hold_it_back_and_are_told_of(project: Project, account: Remote) -> None:
    console = account.emulator.console
    console.seed_v1("Old", "city = 'Brno'", id=V1)
    sends = [console.add_single_send(name, segment_ids=[V1]) for name in ("Spring", "Summer")]
    project.write({"segments/old.yaml": upgraded()})
    assert "warning[upgrade-waits]" in project.run("plan").out
    out = both(project, account)
    (new,) = [one for one in held(account).values() if one.version == 2]
    assert "`Spring` (draft), the Single Send `Summer` (draft) still target" in out
    assert f"give it the new segment instead, id {new.id}" in out
    assert f"the new segment (id {new.id}) instead" in project.run("plan").out
    for send in sends:
        console.edit_single_send(send, segment_ids=[new.id])
    settled(project)
    assert held(account)["Old"].id == new.id


def test_references_may_be_ignored_knowingly(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    account.emulator.console.add_single_send("Spring", segment_ids=[V1])
    project.write({"segments/old.yaml": upgraded()})
    result = project.run("apply", "--auto-approve", "--ignore-references", "Old")
    assert result.code == 0
    assert "warning[reference-ignored]" in result.out
    assert {one.version for one in held(account).values()} == {2}


def test_a_lock_that_is_not_waited_for_leaves_the_name_to_a_later_run(
    project: Project, account: Remote
) -> None:
    settings = dataclasses.replace(account.emulator.settings, update_lock=300.0)
    account.emulator.settings = settings
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgraded()})
    result = project.run("apply", "--auto-approve", "--lock-timeout", "0")
    assert result.code == 4
    assert "the v1 segment is gone, and the new one is still called `Old ~segctl-v2-" in result.out
    shown = project.run("plan")
    assert "resumes what an earlier run left unfinished" in shown.out
    assert "1 to patch" in shown.out
    settled(project)
    assert [*held(account)] == ["Old"]


def test_another_parent_list_makes_the_new_segment_anew(project: Project, account: Remote) -> None:
    console = account.emulator.console
    for list_id in (V1, OTHER):
        console.add_list(list_id, id=list_id)
    console.seed_v1("Old", "city = 'Brno'", id=V1, parent_list_id=V1, contacts_count=7)
    for parent in (V1, OTHER):
        file = segment_yaml("Old", BRNO, parent=parent, extra=f"upgrade_from: {{v1_id: {V1}}}\n")
        project.write({"segments/old.yaml": file})
        both(project, account)
    count(account, 7)
    settled(project)
    (one,) = held(account).values()
    assert one.parent_list_ids == (OTHER,)


def test_where_both_names_stand_the_new_one_has_its_own(project: Project, account: Remote) -> None:
    settings = dataclasses.replace(
        account.emulator.settings, v1_holds_names=False, v1_in_v2_list=False
    )
    account.emulator.settings = settings
    account.emulator.console.create("Old", BRNO)
    # The web interface keeps names unique; the API of this account does not.
    account.emulator.console.seed_v1("Other", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgraded()})
    assert "~ name  Other -> Old" in project.run("plan").out
    settled(project)
    methods = [one.method for one in account.emulator.log if one.method != "GET"]
    assert (methods, [*held(account)]) == (["DELETE"], ["Old"])


def test_a_free_name_is_taken_at_once(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Other", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgraded()})
    settled(project)
    methods = [one.method for one in account.emulator.log if one.method != "GET"]
    assert methods == ["POST", "DELETE"]


def test_a_v1_segment_that_is_not_there_is_warned_of(project: Project, account: Remote) -> None:
    project.write({"segments/old.yaml": upgraded()})
    shown = project.run("plan")
    assert "warning[upgrade-from-nothing]" in shown.out
    assert "+ create  Old" in shown.out
    settled(project)


def test_what_is_protected_is_not_upgraded(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgraded(extra="protected: true\n")})
    result = project.run("apply", "--auto-approve")
    assert (result.code, [*held(account)]) == (3, ["Old"])
    assert "error[protected]" in result.out


def test_many_upgrades_are_no_destruction(project: Project, account: Remote) -> None:
    for number in range(8):
        v1_id = f"{V1[:-1]}{number}"
        account.emulator.console.seed_v1(f"Old {number}", "city = 'Brno'", id=v1_id)
        file = upgraded(v1_id=v1_id, name=f"Old {number}")
        project.write({f"segments/{number}.yaml": file})
    settled(project)
    assert {one.version for one in held(account).values()} == {2}
    # What is left to say is said once, however many they were.
    shown = project.run("plan").out
    assert shown.count("upgrade-finished") == 1
    assert "`Old 0` and 7 more segments are upgraded" in shown


@pytest.mark.parametrize(
    ("made", "code"),
    [
        ([("Old ~segctl-v2-{mark}", 2), ("Older ~segctl-v2-{mark}", 2)], "ambiguous-upgrade"),
        ([("Old", 2), ("Older ~segctl-v2-{mark}", 2)], "ambiguous-upgrade"),
        ([("Not v1", 3)], "upgrade-from-v2"),
    ],
)
def test_what_cannot_be_told_is_an_error(
    project: Project, account: Remote, made: list[tuple[str, int]], code: str
) -> None:
    from segctl.planning.temporary_names import Marker, temporary_name  # noqa: PLC0415

    mark = temporary_name("", V1, Marker.SUCCESSOR)[-8:]
    for name, version in made:
        v1_id = V1 if version == 3 else None
        account.emulator.console.create(name.format(mark=mark), BRNO, id=v1_id)
    if code == "ambiguous-upgrade":
        account.emulator.console.seed_v1("Other", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgraded()})
    result = project.run("apply", "--auto-approve")
    assert result.code == 1
    assert f"error[{code}]" in result.out
    assert all(one.method == "GET" for one in account.emulator.log)


def test_a_segment_that_sendgrid_upgraded_in_place_is_as_any_other(
    project: Project, account: Remote
) -> None:
    account.emulator.console.create("Old", BRNO, id=V1)
    project.write({"segments/old.yaml": upgraded()})
    assert "info[upgrade-finished]" in project.run("plan").out
    settled(project)


def test_half_an_upgrade_without_its_file_is_left_alone(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1, contacts_count=9)
    project.write({"segments/old.yaml": upgraded()})
    both(project, account)
    (project.root / "segments/old.yaml").unlink()
    project.declare("Kept", BRNO)
    project.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    assert "rename-unfinished" in project.run("plan").out
    assert "temporary segctl name" in project.run("import", "--all").err
    assert "Old ~segctl" not in project.run("drift").out


@pytest.fixture
def nameless(project: Project, account: Remote) -> Record:
    """An upgrade of which the v1 segment is gone, and the new one has still its temporary name."""
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1, contacts_count=9)
    project.write({"segments/old.yaml": upgraded()})
    both(project, account)
    account.emulator.console.delete(V1)
    (new,) = held(account).values()
    return new


def test_that_upgrade_from_may_go_is_said_when_all_is_done(
    project: Project, account: Remote, nameless: Record
) -> None:
    assert "upgrade-finished" not in project.run("plan").out
    settled(project)
    assert list(held(account)) == ["Old"]
    assert "upgrade-finished" in project.run("plan").out


def test_an_upgrade_is_finished_though_its_file_does_not_say_so_any_more(
    project: Project, account: Remote, nameless: Record
) -> None:
    project.write({"segments/old.yaml": segment_yaml("Old", BRNO)})
    assert "1 to patch" in project.run("plan").out
    settled(project)
    assert [(name, one.id) for name, one in held(account).items()] == [("Old", nameless.id)]


@pytest.mark.parametrize("how", ["another query", "two of them", "another v1 segment"])
def test_what_merely_looks_like_an_upgrade_is_left_alone(
    project: Project, account: Remote, nameless: Record, how: str
) -> None:
    console = account.emulator.console
    text = segment_yaml("Old", query("city = 'Praha'") if how == "another query" else BRNO)
    if how == "two of them":
        console.create(f"{nameless.name[:-8]}00000000", BRNO)
    if how == "another v1 segment":
        console.seed_v1("Else", "city = 'Brno'", id=OTHER, contacts_count=9)
        text = upgraded(v1_id=OTHER)
    project.write({"segments/old.yaml": text})
    plan = project.run("plan").out
    assert "rename-unfinished" in plan
    assert "to delete it, add a file with this name and `removed: true`" in plan
    project.run("apply", "--auto-approve")
    assert held(account)[nameless.name].id == nameless.id


def test_what_looks_like_an_upgrade_and_is_forgotten_is_left_alone(
    project: Project, account: Remote, nameless: Record
) -> None:
    project.write(
        {
            "segments/old.yaml": segment_yaml("Old", BRNO),
            "segments/half.yaml": f"name: {nameless.name}\nremoved: forget\n",
        }
    )
    settled(project)
    assert set(held(account)) == {"Old", nameless.name}


def test_what_files_may_say_of_an_upgrade(project: Project) -> None:
    project.write(
        {
            "segments/a.yaml": upgraded(name="A"),
            "segments/b.yaml": upgraded(name="B", v1_id=V1.upper()),
            "segments/c.yaml": "name: C\nremoved: true\nupgrade_from: {v1_id: " + V1 + "}\n",
            "segments/d.yaml": upgraded(name="D", v1_id="abc"),
        }
    )
    result = project.run("validate")
    assert "error[upgraded-twice]" in result.out + result.err
    assert "error[removed-with-more]" in result.out + result.err
    assert "must be the id of a v1 segment" in result.out + result.err
    (project.root / "segments/c.yaml").unlink()
    (project.root / "segments/d.yaml").unlink()
    (project.root / "segments/b.yaml").unlink()
    file = project.root / "segments/a.yaml"
    file.write_text(f"query_dsl: {BRNO}\nupgrade_from: {{v1_id: {V1}}}\nname: A\n")
    assert project.run("fmt").code == 0
    assert [line.partition(":")[0] for line in file.read_text().splitlines()] == [
        "name",
        "upgrade_from",
        "query_dsl",
    ]


def test_every_view_shows_an_upgrade(project: Project, account: Remote) -> None:
    console = account.emulator.console
    console.seed_v1("Other", "city = 'Brno'", id=V1)
    console.add_single_send("Spring", segment_ids=[V1])
    project.write({"segments/old.yaml": upgraded(), "segctl.yaml": "version: 1\n"})
    data = json.loads(project.run("plan", "--format", "json").out)
    (change,) = data["changes"]
    assert (change["action"], change["id"], data["summary"]["upgrade"]) == ("upgrade", V1, 1)
    assert change["upgrade"]["twin"] is None
    assert [one["name"] for one in change["upgrade"]["waits_for"]] == ["Spring"]
    for output, words in {
        "markdown": ("1 to upgrade", "city = 'Brno'", "automations-unseen"),
        "html": ("upgrade", "loses its v1 id", "Spring", "city = "),
        "github": ("plan-upgrade", "would be upgraded from v1"),
        "sarif": ("plan-upgrade", "upgrade-waits"),
    }.items():
        shown = project.run("plan", "--format", output).out
        assert [word for word in words if word not in shown] == [], (output, shown)
    saved = str(project.root / "plan.json")
    assert project.run("plan", "--out", saved).code == 0
    assert "^ upgrade  Old" in project.run("show", saved).out
    report = project.run(
        "apply", saved, "--auto-approve", "--format", "json", "--journal", f"{saved}.log"
    )
    assert report.code == 4
    (outcome,) = json.loads(report.out)["outcomes"]
    assert (outcome["status"], outcome["written"], outcome["action"]) == (
        "waiting",
        True,
        "upgrade",
    )
    for output in ("text", "markdown", "html", "github"):
        again = project.run("apply", "--auto-approve", "--format", output)
        assert again.code == 4
        assert "Spring" in again.out


def test_a_parent_list_is_shown_where_it_changes(project: Project, account: Remote) -> None:
    parent = account.emulator.console.add_list("Customers")
    account.emulator.console.seed_v1("Old", "city = 'Brno'", parent_list_id=parent, id=V1)
    project.write({"segments/old.yaml": upgraded(extra=f"parent_list_ids: [{parent}]\n")})
    assert parent not in project.run("plan").out
    project.write({"segments/old.yaml": upgraded()})
    assert f"- parent_list_ids  {parent}" in project.run("plan").out


def test_the_first_api_may_be_gone_one_day(project: Project, account: Remote) -> None:
    account.emulator.console.create("Old", BRNO)
    project.write({"segments/old.yaml": upgraded()})
    account.emulator.faults.add("GET /v3/marketing/segments 404 always")
    assert "info[upgrade-finished]" in project.run("plan").out
    settled(project)
