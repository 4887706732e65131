"""One v1 segment at a time: what an upgrade waits for, what stops it, how it goes on."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import Emulator, serve
from tests.conftest import KEY, TEST_SETTINGS, Remote, Watch, query, segment_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.emulator import Record
    from tests.conftest import Project

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
        yield Remote(emulator, Watch(), server.url)


def held(remote: Remote) -> dict[str, Record]:
    return {one.name: one for one in remote.emulator.ui.segments()}


def settled(project: Project, code: int = 0) -> str:
    """Apply, and see that there is nothing left to plan."""
    result = project.run("apply", "--auto-approve")
    assert result.code == code, result.out + result.err
    again = project.run("plan", "--detailed-exitcode")
    assert again.code == 0, again.out
    return result.out


def test_an_upgrade_from_beginning_to_end(project: Project, account: Remote) -> None:
    account.emulator.ui.seed_v1("Old", "city = 'Brno'", id=V1)
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
