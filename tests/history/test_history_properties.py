"""Random histories, compared with a model that does not know git or YAML."""

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
class Model:
    """What each file declares, and the last declaration of each removed name."""

    files: dict[str, Content] = field(default_factory=dict)
    declared: dict[str, tuple[str, int]] = field(default_factory=dict)
    removed: dict[str, tuple[int, str]] = field(default_factory=dict)

    def commit(self, step: Step, commit: str) -> None:
        before = {name: self.conditions(name) for name in NAMES}
        for file, content in step.items():
            self.files[file] = content
            if isinstance(content, tuple):
                self.declared[file] = content
            elif content is None:
                self.declared.pop(file, None)
        for name in NAMES:
            if self.conditions(name):
                self.removed.pop(name, None)
            elif before[name]:
                self.removed[name] = before[name][0], commit

    def conditions(self, name: str) -> list[int]:
        return [
            condition
            for _, (declared_name, condition) in sorted(self.declared.items())
            if declared_name == name
        ]


def text(content: Content) -> str | None:
    if content is None:
        return None
    if isinstance(content, str):
        return "name: [\n"
    return segment(content[0], f"x = {content[1]}")


def commit_stream(branch: str, step: Step, *more: str) -> bytes:
    """Return one commit for `git fast-import`, which is much faster than a process per commit."""
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
def test_the_removals_and_the_audit_agree_with_the_model(history: list[Step | list[Step]]) -> None:
    stream, totals = [commit_stream("main", {})], []
    for number, step in enumerate(history):
        if isinstance(step, dict):
            stream.append(commit_stream("main", step))
            totals.append(step)
            continue
        branch = f"work{number}"
        total: Step = {}
        for index, branch_step in enumerate(step):
            parent = [] if index else ["from refs/heads/main"]
            stream.append(commit_stream(branch, branch_step, *parent))
            total |= branch_step
        stream.append(commit_stream("main", total, f"merge refs/heads/{branch}"))
        totals.append(total)
    model = Model()
    with tempfile.TemporaryDirectory() as folder:
        repository = new_repository(Path(folder))
        repository.git("fast-import", "--quiet", data=b"".join(stream))
        commits = repository.git("rev-list", "--first-parent", "--reverse", "main").split()
        for total, commit in zip(totals, commits[1:], strict=True):
            model.commit(total, commit)
        timeline = read_timeline(repository.root, "segments")
    assert {
        removal.name: (removal.segment.query.rpartition(" ")[2], removal.commit)
        for removal in timeline.removals(())
    } == {name: (str(condition), commit) for name, (condition, commit) in model.removed.items()}

    # Replayed from the beginning, the events lead to what is declared at the end.
    state: dict[str, str] = {}
    for event in reversed(list(Audit(timeline).events())):
        if event.before is not None and event.before.name != event.name:
            assert state.pop(event.before.name) == event.before.segment.query
        if event.after is None:
            del state[event.name]
        else:
            state[event.name] = event.after.segment.query
    assert {name: query.rpartition(" ")[2] for name, query in state.items()} == {
        name: str(model.conditions(name)[0]) for name in NAMES if model.conditions(name)
    }
    # The events of one segment are among those of all segments.
    all_events = list(Audit(timeline).events())
    for name in timeline.names():
        own = Audit(timeline).events_of(name)
        assert own == [event for event in all_events if event in own]
        assert [event for event in all_events if event.name == name] == [
            event for event in own if event.name == name
        ]
