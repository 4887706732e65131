"""The story of `examples/fleet`: twelve rules, 216 segments, six accounts, over HTTP."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import yaml

from segctl.app.emulator_world import read_world
from tests.history.repository import Repository
from tests.support.builders import query
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project, Result

EXAMPLE = REPOSITORY / "examples/fleet"
TARGETS = [*yaml.safe_load((EXAMPLE / "segctl.yaml").read_text("utf-8"))["targets"]]
SEGMENTS = 216


class Fleet:
    """The example in a repository of its own, and its accounts."""

    def __init__(self, project: Project, remote: Remote) -> None:
        self.project, self.remote = project, remote
        shutil.copytree(EXAMPLE, project.root, dirs_exist_ok=True)
        world, diagnostics = read_world("world.yaml", (EXAMPLE / "world.yaml").read_bytes())
        assert world is not None, diagnostics
        remote.emulator.put(world)
        project.env["SEGCTL_BASE_URL"] = remote.url
        for target in TARGETS:
            variable = f"{target.upper().replace('-', '_')}_SENDGRID_KEY"
            project.env[variable] = f"{target}-key"
        self.repository = Repository(project.root, project.root)
        self.repository.git("init", "--quiet")

    def run(self, *argv: str) -> Result:
        """Run a command an hour after the last one: SendGrid has validated every query."""
        self.remote.clock.forward(hours=1)
        self.project.clock.moment = self.remote.clock.moment
        return self.project.run(*argv)

    def commit(self) -> None:
        self.repository.commit("Change segments", {})

    def names(self, target: str) -> set[str]:
        return {segment.name for segment in self.remote.emulator.console_of(target).segments()}

    def requests(self) -> Counter[str]:
        """Return how many requests each method had since the last call."""
        log = self.remote.emulator.log
        self.remote.emulator.clear_log()
        return Counter(request.method for request in log)


@pytest.fixture
def fleet(project: Project, remote: Remote) -> Fleet:
    fleet = Fleet(project, remote)
    for target in TARGETS:
        assert fleet.run("--target", target, "account", "pull").code == 0
    fleet.commit()
    return fleet


def test_the_example_is_small() -> None:
    files = [path for path in EXAMPLE.rglob("*") if path.is_file()]

    assert len(files) <= 30
    assert sum(len(path.read_text("utf-8").splitlines()) for path in files) <= 400


def test_the_story(fleet: Fleet) -> None:
    production = [target for target in TARGETS if target.endswith("production")]
    assert fleet.run("validate").code == 0

    # A segment that somebody made by hand on one account stays on that account.
    assert fleet.run("--target", "initech-production", "import", "Summer party").code == 0
    fleet.commit()

    refused = fleet.run("plan", "--all-targets")
    assert refused.code == 3
    assert refused.out.count("refused: not-promoted") == len(production)
    assert fleet.run("apply", "--target", "production", "--auto-approve").code == 3
    assert all(len(fleet.names(target)) <= 1 for target in TARGETS)

    for group in ("staging", "production"):
        applied = fleet.run("apply", "--target", group, "--auto-approve")
        assert applied.code == 0, applied.err
    assert sum(len(fleet.names(target)) for target in TARGETS) == SEGMENTS + 1
    assert "Summer party" not in fleet.names("acme-production")

    # The first plan after it reads what the apply wrote.
    assert fleet.run("plan", "--all-targets").code == 0
    fleet.requests()
    again = fleet.run("plan", "--all-targets")
    assert (again.code, again.out.splitlines()[-1]) == (
        0,
        f"No changes. {SEGMENTS + 1} segments of {len(TARGETS)} targets match the files.",
    )
    # One list of the segments for each account.
    assert fleet.requests() == {"GET": len(TARGETS)}


def test_the_lists_of_staging_are_another_account_than_production(fleet: Fleet) -> None:
    accounts = fleet.project.root / "segments/accounts"
    text = (accounts / "acme-staging.yaml").read_text("utf-8")
    (accounts / "acme-production.yaml").write_text(text.replace("-staging", "-production"), "utf-8")

    refused = fleet.run("plan", "--target", "acme-production")
    assert (refused.code, refused.out) == (3, "")
    assert "the key is for another account than target `acme-production`" in refused.err
    together = fleet.run("plan", "--target", "production")
    assert together.code == 3
    assert "another account" in together.out + together.err
    assert fleet.run("apply", "--target", "production", "--auto-approve").code == 3
    assert all("VIP German" not in fleet.names(target) for target in TARGETS)


def test_a_mistake_is_reported_once_and_not_for_each_account(fleet: Fleet) -> None:
    fleet.project.edit("segments/conditions.yaml", "'Suppressed'", "'Supressed'")
    misspelt = fleet.run("validate").err
    rules = len(list((fleet.project.root / "segments").glob("*.yaml"))) - 2
    assert misspelt.count("the file of the account has no list `Supressed`\n") == rules
    assert misspelt.count("error[") == rules

    fleet.project.edit("segctl.yaml", "groups:", "gruops:")
    broken = fleet.run("validate").err
    assert "segctl.yaml:23:1: error[unknown-key]: unknown key `gruops`" in broken
    assert "unused-condition" not in broken


def test_one_line_changes_a_rule_everywhere(fleet: Fleet) -> None:
    for group in ("staging", "production"):
        assert fleet.run("apply", "--target", group, "--auto-approve").code == 0
    fleet.project.edit("segments/vip.yaml", "@spent(@vip_from)", "@spent(@vip_from) AND @customer")

    shown = fleet.run("render", "--since", "HEAD", "--target", "globex-staging").out
    assert shown.endswith("3 segments changed since HEAD, 33 unchanged.\n")
    fleet.commit()
    planned = fleet.run("plan", "--target", "staging")
    assert "9 to patch" in planned.out.splitlines()[-1], planned.out
    assert fleet.run("plan", "--target", "production").code == 3
    for group in ("staging", "production"):
        assert fleet.run("apply", "--target", group, "--auto-approve").code == 0
    assert fleet.run("plan", "--all-targets").out.splitlines()[-1].startswith("No changes.")


def test_hand_made_copies_on_one_account_become_one_file_for_it(fleet: Fleet) -> None:
    console = fleet.remote.emulator.console_of("acme-staging")
    for city in ("Brno", "Praha", "Wien"):
        console.create(f"Fans in {city}", query(f"city = '{city}'"))

    folded = fleet.run("--target", "acme-staging", "import", "--only", "Fans *", "--fold")
    assert folded.code == 0, folded.err
    (file,) = [*(fleet.project.root / "segments").glob("fans*.yaml")]
    assert "targets: [acme-staging]\nfor_each:\n  city: [Brno, Praha, Wien]\n" in file.read_text()
    fleet.commit()
    planned = fleet.run("plan", "--target", "staging").out
    assert re.search(r"\nacme-staging +36 +0 +0 +0 +3 ", planned)
    assert "Fans" not in planned


def test_a_definition_with_the_same_lists_is_shown_once(fleet: Fleet) -> None:
    shown = fleet.run("plan", "--target", "staging").out

    # VIPs and whoever is near them or at risk depend on the brand's own floor.
    assert shown.count("WHERE (marketing_consent = 'yes'") == 36 + 2 * 9
    note = "the same definition as for acme-staging, above, with its own lists of these names\n"
    assert shown.count(note) == 2 * 27
