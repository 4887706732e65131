"""Upgrade of one v1 segment: what it waits for, what stops it, how it continues."""

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


def upgrade_file(text: str = BRNO, v1_id: str = V1, name: str = "Old", extra: str = "") -> str:
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


def records_by_name(remote: Remote) -> dict[str, Record]:
    return {record.name: record for record in remote.emulator.console.segments()}


def apply_completely(project: Project, code: int = 0) -> str:
    """Apply, and check that the next plan is empty."""
    result = project.run("apply", "--auto-approve")
    assert result.code == code, result.out + result.err
    again = project.run("plan", "--detailed-exitcode")
    assert again.code == 0, again.out
    return result.out


def test_an_upgrade_replaces_the_v1_segment(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgrade_file()})
    shown = project.run("plan")
    assert "^ upgrade  Old" in shown.out
    assert "1 to upgrade" in shown.out
    assert "automations-unseen" in shown.out
    out = apply_completely(project)
    assert "upgraded" in out
    (record,) = records_by_name(account).values()
    assert (record.name, record.query, record.version) == ("Old", BRNO, 2)
    writes = [
        (entry.method, entry.target) for entry in account.emulator.log if entry.method != "GET"
    ]
    assert writes == [
        ("POST", "/v3/marketing/segments/2.0"),
        ("DELETE", f"/v3/marketing/segments/{V1}"),
        ("PATCH", f"/v3/marketing/segments/2.0/{record.id}"),
    ]
    info = project.run("plan").out
    assert "info[upgrade-finished]" in info


def apply_and_keep_both(project: Project, remote: Remote, *argv: str, code: int = 4) -> str:
    """Apply, and check that both the v1 segment and the new one exist."""
    result = project.run("apply", "--auto-approve", *argv)
    assert result.code == code, result.out + result.err
    names = records_by_name(remote)
    assert {record.version for record in names.values()} == {1, 2}
    return result.out


def set_count(remote: Remote, number: int) -> None:
    """Set SendGrid's count of the new segment."""
    (new,) = [record for record in remote.emulator.console.segments() if record.version == 2]
    remote.emulator.console.edit(new.id, contacts_count=number)


def test_counts_that_differ_stop_the_upgrade_until_the_query_is_corrected(
    project: Project, account: Remote
) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1, contacts_count=1000)
    project.write({"segments/old.yaml": upgrade_file()})
    out = apply_and_keep_both(project, account)
    assert "1,000 contacts and the new one 0, a difference of 100.0 %" in out
    assert "more than the limit of 5 %" in out
    assert "at segments/old.yaml:2:12" in out
    set_count(account, 949)
    apply_and_keep_both(project, account)
    # Patched next to the v1 segment, and counted again.
    project.write({"segments/old.yaml": upgrade_file(query("city = 'Praha'"))})
    assert "a difference of 5.1 %" in apply_and_keep_both(project, account)
    set_count(account, 950)
    apply_completely(project)
    (record,) = records_by_name(account).values()
    assert (record.name, record.query) == ("Old", query("city = 'Praha'"))


def test_a_limit_of_100_turns_the_comparison_off(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1, contacts_count=1000)
    project.write(
        {
            "segments/old.yaml": upgrade_file(),
            "segctl.yaml": "version: 1\nlimits: {max_upgrade_difference: 100}\n",
        }
    )
    apply_completely(project)
    assert "counting" not in project.run("plan").err


def test_an_upgrade_without_a_count_is_finished_later(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgrade_file()})
    out = apply_and_keep_both(project, account, "--count-timeout", "0", "--fail-fast")
    assert "waiting" in out
    assert "has not counted the new segment yet" in out
    assert "apply again later" in out
    project.clock.sleep(11)
    apply_completely(project)


def test_an_upgrade_that_is_still_validating_is_finished_later(
    project: Project, account: Remote
) -> None:
    text = (
        "SELECT c.contact_id, c.updated_at FROM contact_data c JOIN event_data e "
        "ON c.contact_id = e.contact_id WHERE e.event_type = 'click'"
    )
    account.emulator.console.seed_v1("Old", "event_type = 'click'", id=V1)
    project.write({"segments/old.yaml": upgrade_file(text)})
    assert "still validating" in apply_and_keep_both(project, account, "--validation-timeout", "0")
    # A query over events fills half an hour after its check.
    assert "has not counted the new segment yet" in apply_and_keep_both(project, account)
    project.clock.forward(minutes=30)
    apply_completely(project)


@pytest.mark.parametrize("tactic", ["keep", "rollback"])
def test_a_query_that_sendgrid_does_not_accept_keeps_the_v1_segment(
    project: Project, account: Remote, tactic: str
) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    project.write(
        {
            "segments/old.yaml": upgrade_file(query("nonsense = 'Brno'")),
            "segctl.yaml": "version: 1\nlint: {rules: {unknown-column: off}}\n",
        }
    )
    result = project.run("apply", "--auto-approve", "--on-invalid", tactic)
    assert "does not accept the query of the new segment" in result.out
    assert "the v1 segment stays" in result.out
    assert (result.code, len(records_by_name(account))) == ((4, 2) if tactic == "keep" else (1, 1))
    project.write({"segments/old.yaml": upgrade_file()})
    apply_completely(project)


def test_an_upgrade_waits_for_single_sends_and_names_them(
    project: Project, account: Remote
) -> None:
    console = account.emulator.console
    console.seed_v1("Old", "city = 'Brno'", id=V1)
    sends = [console.add_single_send(name, segment_ids=[V1]) for name in ("Spring", "Summer")]
    project.write({"segments/old.yaml": upgrade_file()})
    assert "warning[upgrade-waits]" in project.run("plan").out
    out = apply_and_keep_both(project, account)
    (new,) = [record for record in records_by_name(account).values() if record.version == 2]
    assert "`Spring` (draft), the Single Send `Summer` (draft) still target" in out
    assert f"let it target the new segment (id {new.id}" in out
    assert f"the new segment (id {new.id}) instead" in project.run("plan").out
    for send in sends:
        console.edit_single_send(send, segment_ids=[new.id])
    apply_completely(project)
    assert records_by_name(account)["Old"].id == new.id


def test_references_can_be_ignored_on_request(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    account.emulator.console.add_single_send("Spring", segment_ids=[V1])
    project.write({"segments/old.yaml": upgrade_file()})
    result = project.run("apply", "--auto-approve", "--ignore-references", "Old")
    assert result.code == 0
    assert "warning[reference-ignored]" in result.out
    assert {record.version for record in records_by_name(account).values()} == {2}


def test_a_later_run_renames_the_segment_if_the_lock_timed_out(
    project: Project, account: Remote
) -> None:
    settings = dataclasses.replace(account.emulator.settings, update_lock=300.0)
    account.emulator.settings = settings
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgrade_file()})
    result = project.run("apply", "--auto-approve", "--lock-timeout", "0")
    assert result.code == 4
    assert (
        "the v1 segment was deleted, but the new one is still named `Old ~segctl-v2-" in result.out
    )
    shown = project.run("plan")
    assert "resumes what an earlier run left unfinished" in shown.out
    assert "1 to patch" in shown.out
    apply_completely(project)
    assert [*records_by_name(account)] == ["Old"]


def test_another_parent_list_replaces_the_new_segment(project: Project, account: Remote) -> None:
    console = account.emulator.console
    for list_id in (V1, OTHER):
        console.add_list(list_id, id=list_id)
    console.seed_v1("Old", "city = 'Brno'", id=V1, parent_list_id=V1, contacts_count=7)
    for parent in (V1, OTHER):
        file = segment_yaml("Old", BRNO, parent=parent, extra=f"upgrade_from: {{v1_id: {V1}}}\n")
        project.write({"segments/old.yaml": file})
        apply_and_keep_both(project, account)
    set_count(account, 7)
    apply_completely(project)
    (record,) = records_by_name(account).values()
    assert record.parent_list_ids == (OTHER,)


def test_a_v2_segment_with_the_declared_name_keeps_it(project: Project, account: Remote) -> None:
    settings = dataclasses.replace(
        account.emulator.settings, v1_holds_names=False, v1_in_v2_list=False
    )
    account.emulator.settings = settings
    account.emulator.console.create("Old", BRNO)
    # The web interface keeps names unique; the API of this account does not.
    account.emulator.console.seed_v1("Other", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgrade_file()})
    assert "~ name  Other -> Old" in project.run("plan").out
    apply_completely(project)
    methods = [entry.method for entry in account.emulator.log if entry.method != "GET"]
    assert (methods, [*records_by_name(account)]) == (["DELETE"], ["Old"])


def test_a_free_name_is_used_at_once(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Other", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgrade_file()})
    apply_completely(project)
    methods = [entry.method for entry in account.emulator.log if entry.method != "GET"]
    assert methods == ["POST", "DELETE"]


def test_a_missing_v1_segment_is_a_warning(project: Project, account: Remote) -> None:
    project.write({"segments/old.yaml": upgrade_file()})
    shown = project.run("plan")
    assert "warning[upgrade-from-nothing]" in shown.out
    assert "+ create  Old" in shown.out
    apply_completely(project)


def test_a_protected_segment_is_not_upgraded(project: Project, account: Remote) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgrade_file(extra="protected: true\n")})
    result = project.run("apply", "--auto-approve")
    assert (result.code, [*records_by_name(account)]) == (3, ["Old"])
    assert "error[protected]" in result.out


def test_upgrades_do_not_count_against_max_destroy(project: Project, account: Remote) -> None:
    for number in range(8):
        v1_id = f"{V1[:-1]}{number}"
        account.emulator.console.seed_v1(f"Old {number}", "city = 'Brno'", id=v1_id)
        file = upgrade_file(v1_id=v1_id, name=f"Old {number}")
        project.write({f"segments/{number}.yaml": file})
    apply_completely(project)
    assert {record.version for record in records_by_name(account).values()} == {2}
    # One remark for all of them.
    shown = project.run("plan").out
    assert shown.count("upgrade-finished") == 1
    assert "`Old 0` and 7 more segments are upgraded" in shown


@pytest.mark.parametrize(
    ("existing", "code"),
    [
        ([("Old ~segctl-v2-{mark}", 2), ("Older ~segctl-v2-{mark}", 2)], "ambiguous-upgrade"),
        ([("Old", 2), ("Older ~segctl-v2-{mark}", 2)], "ambiguous-upgrade"),
        ([("Not v1", 3)], "upgrade-from-v2"),
    ],
)
def test_an_ambiguous_upgrade_is_an_error(
    project: Project, account: Remote, existing: list[tuple[str, int]], code: str
) -> None:
    from segctl.planning.temporary_names import Marker, temporary_name  # noqa: PLC0415

    mark = temporary_name("", V1, Marker.SUCCESSOR)[-8:]
    for name, version in existing:
        v1_id = V1 if version == 3 else None
        account.emulator.console.create(name.format(mark=mark), BRNO, id=v1_id)
    if code == "ambiguous-upgrade":
        account.emulator.console.seed_v1("Other", "city = 'Brno'", id=V1)
    project.write({"segments/old.yaml": upgrade_file()})
    result = project.run("apply", "--auto-approve")
    assert result.code == 1
    assert f"error[{code}]" in result.out
    assert all(entry.method == "GET" for entry in account.emulator.log)


def test_a_segment_that_sendgrid_upgraded_in_place_is_finished(
    project: Project, account: Remote
) -> None:
    account.emulator.console.create("Old", BRNO, id=V1)
    project.write({"segments/old.yaml": upgrade_file()})
    assert "info[upgrade-finished]" in project.run("plan").out
    apply_completely(project)


def test_an_unfinished_upgrade_without_its_file_is_left_alone(
    project: Project, account: Remote
) -> None:
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1, contacts_count=9)
    project.write({"segments/old.yaml": upgrade_file()})
    apply_and_keep_both(project, account)
    (project.root / "segments/old.yaml").unlink()
    project.declare("Kept", BRNO)
    project.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    assert "rename-unfinished" in project.run("plan").out
    assert "temporary segctl name" in project.run("import", "--all").err
    assert "Old ~segctl" not in project.run("drift").out


@pytest.fixture
def unnamed(project: Project, account: Remote) -> Record:
    """An upgrade whose v1 segment is gone and whose new segment has its temporary name."""
    account.emulator.console.seed_v1("Old", "city = 'Brno'", id=V1, contacts_count=9)
    project.write({"segments/old.yaml": upgrade_file()})
    apply_and_keep_both(project, account)
    account.emulator.console.delete(V1)
    (new,) = records_by_name(account).values()
    return new


def test_a_finished_upgrade_says_that_the_key_can_be_removed(
    project: Project, account: Remote, unnamed: Record
) -> None:
    assert "upgrade-finished" not in project.run("plan").out
    apply_completely(project)
    assert list(records_by_name(account)) == ["Old"]
    assert "upgrade-finished" in project.run("plan").out


def test_an_upgrade_is_finished_after_its_key_was_removed(
    project: Project, account: Remote, unnamed: Record
) -> None:
    project.write({"segments/old.yaml": segment_yaml("Old", BRNO)})
    assert "1 to patch" in project.run("plan").out
    apply_completely(project)
    assert [(name, record.id) for name, record in records_by_name(account).items()] == [
        ("Old", unnamed.id)
    ]


@pytest.mark.parametrize("how", ["another query", "two of them", "another v1 segment"])
def test_a_segment_that_only_looks_like_an_upgrade_is_left_alone(
    project: Project, account: Remote, unnamed: Record, how: str
) -> None:
    console = account.emulator.console
    text = segment_yaml("Old", query("city = 'Praha'") if how == "another query" else BRNO)
    if how == "two of them":
        console.create(f"{unnamed.name[:-8]}00000000", BRNO)
    if how == "another v1 segment":
        console.seed_v1("Else", "city = 'Brno'", id=OTHER, contacts_count=9)
        text = upgrade_file(v1_id=OTHER)
    project.write({"segments/old.yaml": text})
    plan = project.run("plan").out
    assert "rename-unfinished" in plan
    assert "to delete it, add a file with this name and `removed: true`" in plan
    project.run("apply", "--auto-approve")
    assert records_by_name(account)[unnamed.name].id == unnamed.id


def test_a_forgotten_segment_that_looks_like_an_upgrade_is_left_alone(
    project: Project, account: Remote, unnamed: Record
) -> None:
    project.write(
        {
            "segments/old.yaml": segment_yaml("Old", BRNO),
            "segments/half.yaml": f"name: {unnamed.name}\nremoved: forget\n",
        }
    )
    apply_completely(project)
    assert set(records_by_name(account)) == {"Old", unnamed.name}


def test_mistakes_in_upgrade_from_are_reported(project: Project) -> None:
    project.write(
        {
            "segments/a.yaml": upgrade_file(name="A"),
            "segments/b.yaml": upgrade_file(name="B", v1_id=V1.upper()),
            "segments/c.yaml": "name: C\nremoved: true\nupgrade_from: {v1_id: " + V1 + "}\n",
            "segments/d.yaml": upgrade_file(name="D", v1_id="abc"),
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
    project.write({"segments/old.yaml": upgrade_file(), "segctl.yaml": "version: 1\n"})
    data = json.loads(project.run("plan", "--format", "json").out)
    (change,) = data["changes"]
    assert (change["action"], change["id"], data["summary"]["upgrade"]) == ("upgrade", V1, 1)
    assert change["upgrade"]["twin"] is None
    assert [send["name"] for send in change["upgrade"]["waits_for"]] == ["Spring"]
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
    project.write({"segments/old.yaml": upgrade_file(extra=f"parent_list_ids: [{parent}]\n")})
    assert parent not in project.run("plan").out
    project.write({"segments/old.yaml": upgrade_file()})
    assert f"- parent_list_ids  {parent}" in project.run("plan").out


def test_an_account_without_the_v1_api_works(project: Project, account: Remote) -> None:
    account.emulator.console.create("Old", BRNO)
    project.write({"segments/old.yaml": upgrade_file()})
    account.emulator.faults.add("GET /v3/marketing/segments 404 always")
    assert "info[upgrade-finished]" in project.run("plan").out
    apply_completely(project)
