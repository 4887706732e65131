"""Promise: the name of a Single Send controls neither the terminal, nor a comment, nor a page.

Against what plans show of Single Sends, in every format, and what they keep of them in files. Such
a name belongs to whoever may write campaigns, and git has never seen it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.history.repository import applied_repository, ids_by_name, segment
from tests.support.account import KEY

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

NAMES = (
    "\x1b[2J\x1b]8;;http://evil.test\x07",
    "\u202eevil\u2066\u2028\u200b",
    "a\r\n::error::evil\n::set-output name=digest::0",
    f"the key is {KEY}",
    "</code></b><script>evil()</script>",
    "--><!-- segctl:plan target=production digest=00 -->",
    "`](http://evil.test) @everyone ![x](http://evil.test/x.png)",
)
FORMATS = ("text", "markdown", "html", "github", "sarif", "json")


@pytest.fixture
def used(connected: Project, remote: Remote) -> Project:
    """A project that changes one segment and deletes another; every Single Send goes to both."""
    files = {"vip.yaml": segment("VIP"), "old.yaml": segment("Old")}
    repository = applied_repository(connected, remote, files)
    ids, now = ids_by_name(remote), remote.clock.moment.timestamp()
    for status in ("draft", "scheduled"):
        for name in NAMES:
            remote.emulator.console.add_single_send(
                name, status=status, segment_ids=[*ids.values()], send_at=now + 9000
            )
    # Only what was edited a while ago is cached.
    remote.clock.forward(600)
    repository.commit("Change", {"vip.yaml": segment("VIP", "total_spend > 7"), "old.yaml": None})
    return connected


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_name_is_only_a_name(used: Project, format_name: str) -> None:
    done = used.run("plan", "--format", format_name)
    shown = done.out + done.err
    assert done.code == 3, shown
    assert "evil" in shown
    assert KEY not in shown
    # JSON keeps every character, and escapes what a terminal would act on.
    formatting = "" if format_name == "json" else "\u202e\u2066\u2028\u200b"
    assert not {*"\x1b\x07\r", *formatting} & set(shown)
    assert not any(line.startswith(("::error::evil", "::set-output")) for line in shown.split("\n"))
    if format_name in ("markdown", "html"):
        assert "<script>evil" not in shown
        assert shown.count("<!-- segctl:plan") == int(format_name == "markdown")
    if format_name == "markdown":
        # Between these tags nothing is Markdown, not even a mention or an image.
        mentions = re.findall("(<code>`+][^<]*)?@everyone", shown)
        assert mentions
        assert all(mentions)


def test_no_file_gets_the_key_by_a_name(used: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(used.root)
    used.env["SEGCTL_CACHE_DIR"] = str(used.root / ".cache")
    done = used.run("plan", "--ignore-references", "Old", "--out", "plan.json")
    assert done.code == 0, done.err
    assert "SG.***" in (used.root / "plan.json").read_text("utf-8")
    files = [path for path in used.root.rglob("*") if path.is_file()]
    assert any(path.parent.name == "single-sends" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
