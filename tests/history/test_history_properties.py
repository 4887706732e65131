"""Random histories against a model of the truth that knows neither git nor YAML."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segctl.history.audit import Audit
from segctl.history.git import read_timeline
from tests.history.repository import new_repository, segment

NAMES = ["A", "B", "C"]
FILES = ["a.yaml", "b.yml", "sub/č.yaml"]
BROKEN = "broken"

Content: TypeAlias = tuple[str, int] | str | None
Step: TypeAlias = dict[str, Content]

contents = st.one_of(
    st.tuples(st.sampled_from(NAMES), st.integers(1, 3)), st.just(BROKEN), st.none()
)
steps = st.dictionaries(st.sampled_from(FILES), contents, min_size=1, max_size=3)
branches = st.lists(steps, min_size=1, max_size=2)
histories = st.lists(st.one_of(steps, branches), min_size=1, max_size=7)


@dataclass
class Truth:
    """What each file declares, and what was last declared of the names that are gone."""

    files: dict[str, Content] = field(default_factory=dict)
    held: dict[str, tuple[str, int]] = field(default_factory=dict)
    gone: dict[str, tuple[int, str]] = field(default_factory=dict)

    def commit(self, step: Step, commit: str) -> None:
        before = {name: self.conditions(name) for name in NAMES}
        for file, content in step.items():
            self.files[file] = content
            if isinstance(content, tuple):
                self.held[file] = content
            elif content is None:
                self.held.pop(file, None)
        for name in NAMES:
            if self.conditions(name):
                self.gone.pop(name, None)
            elif before[name]:
                self.gone[name] = before[name][0], commit

    def conditions(self, name: str) -> list[int]:
        return [one[1] for _, one in sorted(self.held.items()) if one[0] == name]


def text(content: Content) -> str | None:
    if content is None:
        return None
    if isinstance(content, str):
        return "name: [\n"
    return segment(content[0], f"x = {content[1]}")


def written(branch: str, step: Step, *more: str) -> bytes:
    """Write one commit for `git fast-import`: a process for each would take all the time."""
    lines = [f"commit refs/heads/{branch}", "committer A <a@example.invalid> 1780000000 +0000"]
    lines += ["data 1", "x", *more]
    for file, content in step.items():
        data = text(content)
        if data is None:
            lines.append(f"D segments/{file}")
        else:
            size = len(data.encode())
            lines += [f"M 100644 inline segments/{file}", f"data {size}", data]
    return "".join(f"{line}\n" for line in lines).encode()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_the_ledger_and_the_audit_tell_the_truth(history: list[Step | list[Step]]) -> None:
    stream, totals = [written("main", {})], []
    for number, step in enumerate(history):
        if isinstance(step, dict):
            stream.append(written("main", step))
            totals.append(step)
            continue
        branch = f"work{number}"
        total: Step = {}
        for place, one in enumerate(step):
            stream.append(written(branch, one, *([] if place else ["from refs/heads/main"])))
            total |= one
        stream.append(written("main", total, f"merge refs/heads/{branch}"))
        totals.append(total)
    truth = Truth()
    with tempfile.TemporaryDirectory() as folder:
        repository = new_repository(Path(folder))
        repository.git("fast-import", "--quiet", data=b"".join(stream))
        commits = repository.git("rev-list", "--first-parent", "--reverse", "main").split()
        for total, commit in zip(totals, commits[1:], strict=True):
            truth.commit(total, commit)
        past = read_timeline(repository.root, "segments")
    found = {one.segment.name: one for one in past.removals(())}
    assert {
        name: (one.segment.query.rpartition(" ")[2], one.commit) for name, one in found.items()
    } == {name: (str(condition), commit) for name, (condition, commit) in truth.gone.items()}

    # Played from the beginning, the events lead to what is declared at the end.
    state: dict[str, str] = {}
    for event in reversed(list(Audit(past).events())):
        if event.before is not None and event.before.name != event.name:
            assert state.pop(event.before.name) == event.before.segment.query
        if event.after is None:
            del state[event.name]
        else:
            state[event.name] = event.after.segment.query
    assert {name: query.rpartition(" ")[2] for name, query in state.items()} == {
        name: str(truth.conditions(name)[0]) for name in NAMES if truth.conditions(name)
    }
    # Each segment's own events are among those of all.
    everything = list(Audit(past).events())
    for name in past.names():
        own = Audit(past).events_of(name)
        assert own == [event for event in everything if event in own]
        assert [event for event in everything if event.name == name] == [
            event for event in own if event.name == name
        ]
