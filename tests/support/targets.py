"""A project whose targets are several accounts of one emulator, with their own ids of lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.emulator_world import read_world

if TYPE_CHECKING:
    from segctl.emulator import Console
    from tests.support.account import Remote
    from tests.support.project import Project, Result

NAMES = ("dev", "staging", "production")

SETTINGS = """\
version: 1
default_target: production
targets:
  dev: {api_key_env: DEV_SENDGRID_KEY, values: {floor: 1}}
  staging: {api_key_env: STAGING_SENDGRID_KEY, values: {floor: 10}}
  production: {api_key_env: SHOP_SENDGRID_KEY, values: {floor: 100}}
"""

_ACCOUNT = """\
  {name}:
    keys: [{name}]
    lists: [{{name: Newsletter}}, {{name: Blocked}}]
    custom_fields: {{spend: Number}}
    single_sends: [{{name: Spring, status: triggered}}]
"""


@dataclass
class Targets:
    """The project, and the accounts of its targets."""

    project: Project
    remote: Remote

    def console(self, target: str) -> Console:
        """Return the web interface of an account."""
        return self.remote.emulator.console_of(target)

    def wait(self) -> None:
        """Let an hour pass: no segment is locked, and SendGrid has validated every query."""
        self.remote.clock.forward(hours=1)
        self.project.clock.moment = self.remote.clock.moment

    def run(self, target: str, *argv: str, **env: str) -> Result:
        """Run a command on a target, an hour after the last."""
        self.wait()
        return self.project.run("--target", target, *argv, **env)

    def apply(self, target: str, *argv: str) -> Result:
        """Apply on a target without asking."""
        return self.run(target, "apply", "--auto-approve", *argv)

    def edit(self, target: str, name: str, query: str) -> None:
        """Change the query of a segment in SendGrid, by hand."""
        console = self.console(target)
        (segment,) = [segment for segment in console.segments() if segment.name == name]
        console.edit(segment.id, query=query)

    def requests(self) -> list[str]:
        """Return the requests since the last call, without their queries."""
        log = self.remote.emulator.log
        self.remote.emulator.clear_log()
        return [f"{entry.method} {entry.target.partition('?')[0]}" for entry in log]


def three_accounts(project: Project, remote: Remote) -> Targets:
    """Return a project with an account for each of `NAMES`, and what the files know of each."""
    world = "subusers:\n" + "".join(_ACCOUNT.format(name=name) for name in NAMES)
    parsed, diagnostics = read_world("world.yaml", world.encode())
    assert parsed is not None, diagnostics
    remote.emulator.put(parsed)
    project.env |= {
        "SEGCTL_BASE_URL": remote.url,
        "DEV_SENDGRID_KEY": "dev",
        "STAGING_SENDGRID_KEY": "staging",
        "SHOP_SENDGRID_KEY": "production",
    }
    project.write({"segctl.yaml": SETTINGS})
    targets = Targets(project, remote)
    for name in NAMES:
        result = targets.run(name, "account", "pull")
        assert result.code == 0, result.err
    remote.emulator.clear_log()
    return targets
