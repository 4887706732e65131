"""The Python API: what commands do, called without the command line."""

from __future__ import annotations

import ast
import dataclasses
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segctl import app
from segctl.app import (
    ApplyFailed,
    ApplyOptions,
    Console,
    ListOptions,
    PlanOptions,
    Project,
    apply_plan,
    build_plan,
    check_current,
    connect,
    detect_drift,
    import_segments,
    list_segments,
    pull_contacts,
    read_request,
    read_saved_plan,
    refresh_counts,
    save_plan,
    validate_project,
)
from segctl.applying.applier import perform
from segctl.errors import InvalidInput, Refused, RemoteError, UsageError
from segctl.model import TargetRef
from segctl.model.report import RefreshStatus, Status
from tests.support.builders import query
from tests.support.process import REPOSITORY, child_env

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.applying.applier import Event
    from tests.support.account import Remote
    from tests.support.project import Project as Folder

VIP, CZECH = query("total_spend > 500"), query("preferred_language = 'cs'")


def opened(folder: Folder) -> Project:
    return Project(folder.root, env=folder.env, clock=folder.clock)


@pytest.mark.parametrize("name", app.__all__)
def test_every_public_name_exists(name: str) -> None:
    assert getattr(app, name) is getattr(import_module(app._MODULES[name]), name)


def test_the_public_names_are_declared_once() -> None:
    tree = ast.parse(Path(app.__file__).read_text("utf-8"))
    for_type_checkers = {
        (alias.name, node.module)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("segctl.")
        for alias in node.names
    }
    assert for_type_checkers == set(app._MODULES.items())
    assert app.__all__ == sorted(app._MODULES) == dir(app)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'segctl\.app' has no attribute 'nothing'"):
        app.nothing  # noqa: B018 - access is what is tested


def test_importing_the_api_imports_no_use_case() -> None:
    script = "import segctl.app, sys; print(*(n for n in sys.modules if n.startswith('segctl')))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=child_env(PYTHONPATH=str(REPOSITORY)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["segctl", "segctl.app"]


def test_a_plan_is_built_and_applied_silently(
    connected: Folder, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    connected.declare("VIP", VIP)
    connected.declare("Czech", CZECH)
    project = opened(connected)
    with connect(project, read_only=False) as connection:
        plan = build_plan(project, connection)
        report = apply_plan(project, connection, plan)
    assert plan.summary.create == 2
    assert {outcome.status for outcome in report.outcomes} == {Status.DONE}
    assert report.is_complete
    assert set(remote.definitions()) == {"VIP", "Czech"}
    with connect(project) as connection:
        assert build_plan(project, connection).changes == ()
        assert detect_drift(project, connection).report.drifts == ()
        assert len(list_segments(project, connection, ListOptions()).rows) == 2
    assert capsys.readouterr() == ("", "")


def test_a_console_gets_the_remarks(connected: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    connected.declare("VIP", VIP)
    project, console = opened(connected), Console()
    with connect(project, console, read_only=False) as connection:
        apply_plan(project, connection, build_plan(project, connection), console=console)
    assert capsys.readouterr() == ("", "create VIP …\n")


def test_options_are_part_of_the_request(connected: Folder) -> None:
    connected.declare("VIP", VIP)
    connected.declare("Czech", CZECH)
    project = opened(connected)
    request = read_request(project, PlanOptions(only=("V*",)))
    with connect(project) as connection:
        assert [change.name for change in build_plan(project, connection, request).changes] == [
            "VIP"
        ]
    with pytest.raises(UsageError, match="matches no segment"):
        read_request(project, PlanOptions(only=("X*",)))


def test_a_saved_plan_is_held_against_a_new_one(connected: Folder, tmp_path: Path) -> None:
    connected.declare("VIP", VIP)
    project = opened(connected)
    file = str(tmp_path / "plan.json")
    with connect(project) as connection:
        plan = build_plan(project, connection)
        save_plan(project, plan, file)
        saved = read_saved_plan(file)
        assert saved.plan == plan
        check_current(saved, build_plan(project, connection))
        connected.declare("VIP", CZECH)
        changed = opened(connected)
        with pytest.raises(Refused, match="stale") as caught:
            check_current(saved, build_plan(changed, connection))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["stale-changed"]


def test_a_connection_only_reads_unless_it_may_write(connected: Folder, remote: Remote) -> None:
    connected.declare("VIP", VIP)
    project = opened(connected)
    with connect(project) as connection:
        plan = build_plan(project, connection)
        for write in (
            lambda: apply_plan(project, connection, plan),
            lambda: refresh_counts(project, connection, ["VIP"]),
            lambda: pull_contacts(project, connection),
        ):
            with pytest.raises(UsageError, match="read-only"):
                write()
    assert {request.method for request in remote.emulator.log} == {"GET"}


def test_a_plan_is_only_applied_to_its_account(connected: Folder, remote: Remote) -> None:
    connected.declare("VIP", VIP)
    project = opened(connected)
    with connect(project, read_only=False) as connection:
        plan = build_plan(project, connection)
        other = dataclasses.replace(plan, target=TargetRef("shop", "api.sendgrid.com"))
        with pytest.raises(Refused, match="another account"):
            apply_plan(project, connection, other)
    assert remote.definitions() == {}


def test_a_refused_plan_is_not_applied(connected: Folder, remote: Remote) -> None:
    for letter in "ABCD":
        remote.emulator.console.create(letter, query(f"city = '{letter}'"))
    connected.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    project = opened(connected)
    with connect(project, read_only=False) as connection:
        plan = build_plan(project, connection)
        assert not plan.is_applicable
        with pytest.raises(Refused) as caught:
            apply_plan(project, connection, plan)
    assert caught.value.diagnostics == plan.refusals
    assert len(remote.definitions()) == 4


def test_a_plan_with_errors_is_not_applied(connected: Folder, remote: Remote) -> None:
    remote.emulator.console.seed_v1("VIP", "email LIKE '%x'")
    connected.declare("VIP", VIP)
    project = opened(connected)
    with connect(project, read_only=False) as connection:
        plan = build_plan(project, connection)
        assert plan.errors
        with pytest.raises(InvalidInput):
            apply_plan(project, connection, plan)


def test_an_error_that_ends_an_apply_carries_the_report(
    connected: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for letter in "AB":
        connected.declare(letter, query(f"city = '{letter}'"))

    def failing(*args: object) -> Iterator[Event]:
        events = perform(*args)  # type: ignore[arg-type]
        yield next(events)
        yield next(events)
        raise RuntimeError("broken")

    monkeypatch.setattr("segctl.app.apply.perform", failing)
    project = opened(connected)
    with connect(project, read_only=False) as connection:
        plan = build_plan(project, connection)
        with pytest.raises(ApplyFailed) as caught:
            apply_plan(project, connection, plan, ApplyOptions(parallelism=1))
    assert isinstance(caught.value.__cause__, RuntimeError)
    statuses = [outcome.status for outcome in caught.value.report.outcomes]
    assert statuses == [Status.DONE, Status.NOT_ATTEMPTED]


def test_a_requested_stop_ends_an_apply_with_a_report(connected: Folder, remote: Remote) -> None:
    connected.declare("VIP", VIP)
    project = opened(connected)
    with connect(project, read_only=False) as connection:
        plan = build_plan(project, connection)
        connection.stop.request()
        report = apply_plan(project, connection, plan)
    assert report.interrupted
    assert [outcome.status for outcome in report.outcomes] == [Status.NOT_ATTEMPTED]
    assert remote.definitions() == {}


def test_refreshes_and_imports_are_values(connected: Folder, remote: Remote) -> None:
    remote.emulator.console.create("VIP", VIP)
    project = opened(connected)
    with connect(project, read_only=False) as connection:
        (refresh,) = refresh_counts(project, connection, ["VIP"])
        assert refresh.status is RefreshStatus.ACCEPTED
        (file,) = import_segments(project, connection).files
        with pytest.raises(UsageError, match="the account has no segment `X`"):
            import_segments(project, connection, ["X"])
    assert (file.name, file.segment.query) == ("vip.yaml", VIP)
    assert not (connected.root / "segments/vip.yaml").exists()


def test_problems_are_values_or_errors(connected: Folder, tmp_path: Path) -> None:
    connected.write({"segments/a.yaml": "name: A\n"})
    project = opened(connected)
    validation = validate_project(project)
    assert validation.has_errors
    assert [diagnostic.code for diagnostic in validation.diagnostics] == ["missing-key"]
    with pytest.raises(InvalidInput):
        read_request(project)
    with pytest.raises(UsageError, match="missing not found"):
        Project(tmp_path / "missing")


def test_an_account_that_answers_with_an_error_raises_it(connected: Folder, remote: Remote) -> None:
    remote.emulator.faults.add("GET * 403 always")
    project = opened(connected)
    with connect(project) as connection, pytest.raises(RemoteError) as caught:
        list_segments(project, connection)
    assert caught.value.status == 403


def test_a_project_for_another_target_reads_the_files_once(tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir()
    (tmp_path / "segctl.yaml").write_text("version: 1\ntargets: {a: , b: }\n", "utf-8")
    project = Project(tmp_path, target="a", env={})
    other = project.for_target("b")
    assert (project.target.name, other.target.name) == ("a", "b")
    assert (other.config, other.files) == (project.config, project.files)
    assert other.files is project.files
