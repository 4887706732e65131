"""What people read of a probe, held against golden files.

`python -m pytest tests/probing/test_report.py --golden-write` writes them.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segctl.emulator import Assumption
from segctl.probing.assumptions import ASSUMPTIONS, Verdict
from segctl.probing.judgement import finding, not_learnt
from segctl.probing.report import probe_markdown, probe_text
from segctl.probing.run import Probed
from segctl.render.terminal import Style

from .world import TARGET, probe_world

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = "</td><script>alert(1)</script> @maintainer | #12 \x1b[2J \u202e ``` <!-- segctl: -->"


@pytest.mark.parametrize(
    ("format_name", "file"),
    [("text", "probe.txt"), ("markdown", "probe.md"), ("json", "probe.json")],
)
def test_the_findings_read_well(
    format_name: str, file: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with probe_world(tmp_path, Assumption.NAME_CASE, Assumption.LOCK_LENGTH) as world:
        world.emulator.faults.add("GET */automations 403 always", "DELETE * 503 #20 always")
        run = world.probe("--confirm", TARGET, "--format", format_name)
    text = run.out if format_name != "text" else f"{run.err}---\n{run.out}"
    text = text.replace(f"-C {tmp_path} ", "")
    text = re.sub("[0-9a-f]{16}(?=-)", "0123456789abcdef", text, flags=re.IGNORECASE)
    text = re.sub(r'"version": "[^"]*"|segctl [0-9.]+$', "VERSION", text, flags=re.MULTILINE)
    if request.config.getoption("--golden-write"):
        (GOLDEN / file).write_text(text, "utf-8", newline="\n")
    assert text == (GOLDEN / file).read_text("utf-8")


def test_a_text_of_the_server_is_harmless_in_every_form() -> None:
    findings = (
        finding("name-case", Verdict.DIFFERS, HOSTILE),
        *(not_learnt(id_, HOSTILE) for id_ in ASSUMPTIONS if id_ != "name-case"),
    )
    probed = Probed(findings, ())
    markdown = probe_markdown(probed, "2026-07-15", [])
    text = probe_text(probed, "2026-07-15", Style())
    for shown in (markdown, text):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
    assert "<script>" not in markdown
    assert "<!-- segctl:" not in markdown
    assert "@" not in re.sub("<code>.*?</code>", "", markdown)
    assert len(re.findall("</table>", markdown)) == 1
