"""Text of a pull request that the runner would take for a command, an output or a variable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.action.shop import Shop, serve_shop
from tests.support.builders import query, segment_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.action.runner import Run
    from tests.support.account import Remote

pytestmark = pytest.mark.posix

FORGED = (
    "::set-output name=digest::forged",
    "::set-env name=BASH_ENV::segments/evil.sh",
    "::add-path::segments",
    "::add-mask::VIP",
    "::save-state name=a::b",
    "::error::forged",
    "::stop-commands::forged",
    "##[add-path]segments",
    "digest=forged",
    "BASH_ENV=segments/evil.sh",
)
LINES = "x\n" + "\n".join(FORGED) + "\n"


@pytest.fixture
def shop(tmp_path: Path, remote: Remote) -> Iterator[Shop]:
    with serve_shop(tmp_path, remote) as shop:
        yield shop


def quoted(text: str) -> str:
    return '"' + text.replace("\n", "\\n") + '"'


def hostile_files() -> dict[str, str | None]:
    """Return files with commands in their names, and in each text that is shown."""
    names = [forged.replace("/", "%") for forged in FORGED]
    files: dict[str, str | None] = {
        f"segments/x\n{name}\ny{number}.yaml": segment_yaml(
            quoted(f"{number} {forged}"), query("total_spend > 5")
        )
        for number, (name, forged) in enumerate(zip(names, FORGED, strict=True))
    }
    condition = " OR ".join(f"first_name = '\n{forged}\n'" for forged in FORGED)
    lines = "".join(f"/*\n{forged}\n*/" for forged in FORGED)
    return files | {
        "segments/query.yaml": segment_yaml("Query", f"{query(condition)}\n{lines}"),
        "segments/text.yaml": segment_yaml("Text", query("total_spend > 5"))
        + f"owner: {quoted(LINES)}\ndescription: {quoted(LINES)}\n"
        + f"tests: [{{name: {quoted(LINES)}, contact: {{total_spend: 6}}, expect: out}}]\n",
    }


BROKEN: dict[str, str | None] = {
    "segments/name.yaml": segment_yaml(quoted(LINES), query("total_spend > 5")),
    "segments/key.yaml": f"name: Key\n{quoted(LINES)}: 1\n",
    "segments/yaml.yaml": f"name: [\n{LINES}",
    "segctl.yaml": f"version: 1\n{quoted(LINES)}: 1\n",
}


def commands(log: str) -> list[str]:
    """Return the lines of a log that the runner would carry out."""
    executed, token = [], ""
    for line in log.split("\n"):
        text = line.strip()
        if token:
            token = "" if text == f"::{token}::" else token
        elif text.startswith("::stop-commands::"):
            token = text.removeprefix("::stop-commands::")
        elif re.match(r"::[\w-]+.*::", text) or "##[" in text:
            executed.append(text)
    assert token == ""
    return executed


def check(done: Run) -> None:
    """Fail if anything but an annotation of segctl came out of a run."""
    for line in commands(done.log):
        assert re.match(r"::(error|warning|notice) (file=[^:]+,)?(\w+=[^:]*,)*title=", line), line
    assert set(done.files.values()) == {""}
    assert re.fullmatch(r"[0-9a-f]{64}|", done.outputs["digest"])
    for name in ("plan", "journal"):
        assert "\n" not in done.outputs[name]


@pytest.mark.parametrize("command", ["validate", "plan", "apply", "drift"])
@pytest.mark.parametrize("is_broken", [False, True], ids=["valid", "broken"])
def test_no_text_of_a_file_commands_the_runner(
    shop: Shop, command: str, *, is_broken: bool
) -> None:
    shop.commit(hostile_files() | (BROKEN if is_broken else {}))
    done = shop.run(pull=7, command=command, expect_digest="")
    check(done)
    if command == "validate":
        assert is_broken or "expected out, got in" in done.log, done.log
    else:
        assert (done.code == 0) is not is_broken, done.log


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_no_text_of_the_account_commands_the_runner(shop: Shop, command: str) -> None:
    console = shop.remote.emulator.console
    for number, forged in enumerate(FORGED):
        console.create(f"{number}\n{forged}\n", query(f"first_name = '\n{forged}\n'"))
    done = shop.run(pull=7, command=command)
    assert done.code == 0, done.log
    check(done)
    (body,) = shop.hub.comments_on(7) or [issue["body"] for issue in shop.hub.issues.values()]
    # One marker, the first line, which says each thing once.
    head = body.split("\n", 1)[0]
    assert re.findall(r"<!-- segctl:.*-->", body) == [head]
    assert head.count("digest=") == 1
