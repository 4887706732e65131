"""The situations in the tables of docs/how-deletes-are-decided.md, made with real repositories.

Every function brings a `Stage` into the situation of a row. The segment that a row speaks of is
`VIP` where not said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.history.repository import (
    Repository,
    applied_repository,
    edit_by_hand,
    ids_by_name,
    segment,
    set_time,
)
from tests.support.builders import query

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.account import Remote
    from tests.support.project import Project

HANDMADE = query("city = 'Brno'")
CONDITIONS = {
    "VIP": "total_spend > 500",
    "A": "orders_count > 1",
    "B": "orders_count > 2",
    "C": "orders_count > 3",
}
TWO_TARGETS = (
    "version: 1\ndefault_target: eu\ntargets: {eu: {}, us: {api_key_env: US_SENDGRID_KEY}}\n"
)
SIMILAR = """\
description: New in the north.
owner: sales
tags: [customers]
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE country IN ('DE', 'AT', 'CH')
    AND total_spend > AMOUNT
"""


@dataclass
class Stage:
    """A project whose four segments are applied, and `Guests`, which someone made by hand before.

    `argv` are options for the plan and the apply.
    """

    project: Project
    remote: Remote
    repository: Repository
    argv: list[str] = field(default_factory=list)

    @classmethod
    def build(cls, project: Project, remote: Remote) -> Stage:
        """Return the stage an hour before the first row happens."""
        set_time(remote, -60)
        remote.emulator.console.create("Guests", HANDMADE)
        files = {f"{name.lower()}.yaml": segment(name, text) for name, text in CONDITIONS.items()}
        return cls(project, remote, applied_repository(project, remote, files))

    def commit(self, **files: str | None) -> None:
        """Commit files of these stems."""
        texts = {f"{stem}.yaml": text for stem, text in files.items()}
        self.repository.commit("Change", texts)

    def create(self, name: str, text: str) -> None:
        """Create a segment by hand, now."""
        self.remote.emulator.console.create(name, text)

    def rename_by_hand(self, old: str, new: str) -> None:
        """Change the name of a segment in SendGrid."""
        self.remote.emulator.console.edit(ids_by_name(self.remote)[old], name=new)

    def apply(self) -> None:
        """Apply, and let the next commit be later."""
        assert self.project.run("apply", "--auto-approve").code == 0
        self.repository.commits = 3700
        set_time(self.remote, 7200)


# A file was removed.


def _removed(stage: Stage) -> None:
    stage.commit(vip=segment("VIP", "total_spend > 501"))
    stage.commit(vip=None)


def _removed_without_a_commit(stage: Stage) -> None:
    stage.repository.write({"vip.yaml": None})


def _edited_and_removed(stage: Stage) -> None:
    edit_by_hand(stage.remote, "VIP", HANDMADE)
    stage.commit(vip=None)


def _name_taken_and_removed(stage: Stage) -> None:
    stage.commit(guests=segment("Guests"))
    stage.commit(guests=None)


def _created_after_the_removal(stage: Stage) -> None:
    stage.commit(vip=None)
    stage.remote.emulator.console.delete(ids_by_name(stage.remote)["VIP"])
    stage.create("VIP", query(CONDITIONS["VIP"]))


def _protected(stage: Stage) -> None:
    stage.commit(vip=segment("VIP", extra="protected: true\n"))
    stage.commit(vip=None)


def _dated_ahead(stage: Stage) -> None:
    stage.repository.commits = 100_000
    stage.commit(vip=None)


def _in_another_project(stage: Stage) -> None:
    stage.project.write({"two/segments/vip.yaml": segment("VIP")})
    stage.commit(vip=None)


def _for_another_account(stage: Stage) -> None:
    """The same key is in two variables, as if the other one were for another account."""
    stage.project.env["OTHER_SENDGRID_KEY"] = stage.project.env["SENDGRID_API_KEY"]
    settings = "version: 1\ntargets: {production: {api_key_env: OTHER_SENDGRID_KEY}}\n"
    stage.project.write({"segctl.yaml": settings})
    stage.commit(vip=None)


def _maybe_renamed(stage: Stage) -> None:
    stage.commit(vip=f"name: VIP\n{SIMILAR.replace('AMOUNT', '7')}")
    stage.apply()
    new = SIMILAR.replace("AMOUNT", "8").replace("New in the north.", "Best of the north.")
    stage.commit(vip=None, best=f"name: Best\n{new}")


def _in_use(stage: Stage) -> None:
    ids = [ids_by_name(stage.remote)["VIP"]]
    stage.remote.emulator.console.add_single_send("Spring sale", status="draft", segment_ids=ids)
    stage.commit(vip=None)


def _too_many(stage: Stage) -> None:
    stage.commit(vip=None, a=None, b=None, c=None)


def _shallow(stage: Stage) -> None:
    stage.commit(vip=None)
    _cut_off(stage)


def _cut_off(stage: Stage) -> None:
    head = stage.repository.git("rev-parse", "HEAD")
    (stage.repository.top / ".git/shallow").write_text(f"{head}\n")


def _lost_by_a_group(stage: Stage) -> None:
    stage.project.write({"segctl.yaml": f"{TWO_TARGETS}groups: {{shops: [eu, us]}}\n"})
    stage.commit(vip=segment("VIP", extra="targets: [shops]\n"))
    stage.project.write({"segctl.yaml": f"{TWO_TARGETS}groups: {{shops: [us]}}\n"})
    stage.commit()


# A file declares several segments.


def _instances(stage: Stage, text: str, *, name: str = "${key}", extra: str = "") -> None:
    """Commit a file with instances. Keys are names of segments, and values their conditions."""
    items = text.replace("VIP", f"VIP: {{amount: {CONDITIONS['VIP'].rpartition(' ')[2]}}}")
    query_text = query("total_spend > @amount")
    text = f"name: {name}\nfor_each: {{key: {{{items}}}}}\n{extra}query_dsl: {query_text}\n"
    stage.commit(many=text)


def _as_instances(stage: Stage, keys: str = "VIP, Gold: {amount: 9000}") -> None:
    stage.commit(vip=None)
    _instances(stage, keys)
    stage.apply()


def _key_removed(stage: Stage) -> None:
    _as_instances(stage)
    _instances(stage, "Gold: {amount: 9000}")


def _target_left_out(stage: Stage) -> None:
    stage.project.write({"segctl.yaml": TWO_TARGETS})
    stage.commit(vip=segment("VIP", extra="targets: [us, eu]\n"))
    stage.commit(vip=segment("VIP", extra="targets: [us]\n"))


def _previous_keys(stage: Stage) -> None:
    _as_instances(stage)
    keys = "Best: {amount: 7000}, Gold: {amount: 9000}"
    _instances(stage, keys, extra="previous_keys: {key: {Best: [VIP]}}\n")


def _previous_key_of_a_foreign_one(stage: Stage) -> None:
    _as_instances(stage)
    keys = "VIP, Best: {amount: 7000}, Gold: {amount: 9000}"
    _instances(stage, keys, extra="previous_keys: {key: {Best: [Guests]}}\n")


def _key_replaced(stage: Stage) -> None:
    _as_instances(stage)
    _instances(stage, "Best: {amount: 500}, Gold: {amount: 9000}")


def _key_and_audience_replaced(stage: Stage) -> None:
    _as_instances(stage)
    _instances(stage, "Best: {amount: 7000}, Gold: {amount: 9000}")


def _template_renamed(stage: Stage) -> None:
    _as_instances(stage, "VIP")
    _instances(stage, "VIP", name="The ${key}")


def _folded(stage: Stage) -> None:
    stage.commit(vip=None)
    _instances(stage, "VIP")


# A name was changed.


def _renamed_in_its_file(stage: Stage) -> None:
    stage.commit(vip=None, moved=segment("VIP customers", CONDITIONS["VIP"]))


def _same_query(stage: Stage) -> None:
    long_comment = "".join(f"# Comment {number}.\n" for number in range(99))
    stage.commit(vip=None)
    stage.commit(new=f"{long_comment}{segment('VIP customers')}")


def _previous_names(stage: Stage) -> None:
    stage.commit(vip=segment("VIP customers", extra="previous_names: [VIP]\n"))


def _renamed_without_a_commit(stage: Stage) -> None:
    stage.repository.write({"vip.yaml": segment("VIP customers")})


def _unclear(stage: Stage) -> None:
    comments = ["".join(f"# {word} {number}.\n" for number in range(99)) for word in "XY"]
    texts = [f"{text}{segment(name)}" for name, text in zip("XY", comments, strict=True)]
    stage.commit(vip=None)
    stage.commit(x=texts[0], y=texts[1])


def _to_a_taken_name(stage: Stage) -> None:
    stage.commit(vip=segment("Guests", extra="previous_names: [VIP]\n"))


def _handed_over(stage: Stage) -> None:
    stage.commit(a=None, vip=segment("A", CONDITIONS["VIP"], extra="previous_names: [VIP]\n"))


def _renamed_by_hand(stage: Stage) -> None:
    stage.rename_by_hand("VIP", "Gold")


def _maybe_renamed_by_hand(stage: Stage) -> None:
    """An imported segment is older than its file."""
    assert stage.project.run("import", "Guests").code == 0
    stage.commit()
    set_time(stage.remote, 3700)
    stage.rename_by_hand("Guests", "VIP guests")


# A file has the name of a segment.


def _equal(stage: Stage) -> None:
    stage.commit(guests=segment("Guests", "city  =  'Brno'"))


def _edited_in_git(stage: Stage) -> None:
    stage.commit(vip=segment("VIP", "total_spend > 600"))


def _edited_by_hand(stage: Stage) -> None:
    edit_by_hand(stage.remote, "VIP", HANDMADE)


def _taken_over(stage: Stage) -> None:
    stage.commit(guests=segment("Guests"))


def _imported_and_edited(stage: Stage) -> None:
    assert stage.project.run("import", "Guests").code == 0
    stage.commit()
    set_time(stage.remote, 3700)
    edit_by_hand(stage.remote, "Guests", query("city = 'Praha'"))


def _edited_in_a_shallow_clone(stage: Stage) -> None:
    _edited_in_git(stage)
    _cut_off(stage)


def _deleted_by_hand(stage: Stage) -> None:
    stage.commit(notes=segment("Another", "orders_count > 9"))
    stage.remote.emulator.console.delete(ids_by_name(stage.remote)["VIP"])


def _in_an_automation(stage: Stage) -> None:
    console = stage.remote.emulator.console
    console.add_automation("Welcome", entrance=ids_by_name(stage.remote)["VIP"])
    stage.project.write({"segctl.yaml": "version: 1\nreferences: {automations: observed}\n"})
    stage.commit(vip=None)


def _looks_alike(stage: Stage) -> None:
    stage.commit(guests=segment("Guests "))


SITUATIONS: dict[str, Callable[[Stage], None]] = {
    "is as a commit declared it, if only an old one": _removed,
    "is as a commit declared it, but the file is deleted without a commit": (
        _removed_without_a_commit
    ),
    "was edited by hand since": _edited_and_removed,
    "is older than the file, and no commit declared it as it is: someone made it": (
        _name_taken_and_removed
    ),
    "was created after the commit that removed the file": _created_after_the_removal,
    "was protected to the end": _protected,
    "was removed by a commit whose date is in the future": _dated_ahead,
    "is declared by another project of the repository, perhaps for the same account": (
        _in_another_project
    ),
    "was declared only while segctl.yaml named another account or folder": _for_another_account,
    "may have a new name: git finds a new file with another query similar": _maybe_renamed,
    "is used by an automation that is not a draft, where [automations are observed]"
    "(segctl-yaml.md#automations)": _in_an_automation,
    "is the target of a Single Send, whatever its status": _in_use,
    "is one of more than 3, and of more than a fifth of the managed ones": _too_many,
    "is declared no more only because segctl.yaml was changed, such as a group": _lost_by_a_group,
    "is in a shallow or partial clone, or git cannot be read": _shallow,
    "its key was removed, in the file or in instances.yaml": _key_removed,
    "`targets` of its file does not have the target any more": _target_left_out,
    "it has another key with `previous_keys`": _previous_keys,
    "its key is new, and `previous_keys` means a segment that no commit declared": (
        _previous_key_of_a_foreign_one
    ),
    "its key was replaced by another one with the same audience": _key_replaced,
    "its key was replaced by another one with another audience": _key_and_audience_replaced,
    "the `name` of the file, or a value in it, was changed": _template_renamed,
    "files became instances of one, or instances became files": _folded,
    "in its file, or while git finds the file moved": _renamed_in_its_file,
    "a removed and a new file have the same query": _same_query,
    "with `previous_names`, also in chains and swaps": _previous_names,
    "without a commit": _renamed_without_a_commit,
    "more than one segment may have been renamed": _unclear,
    "to a name that another segment has": _to_a_taken_name,
    "to the name of a segment whose file was removed, and both are yours": _handed_over,
    "perhaps by someone in SendGrid": _renamed_by_hand,
    "perhaps by someone in SendGrid, but it is older than its file or not the only one": (
        _maybe_renamed_by_hand
    ),
    "is as the file declares it": _equal,
    "is as a commit declared it": _edited_in_git,
    "is newer than the first commit of the file, and no commit declared it as it is: edited by "
    "hand": _edited_by_hand,
    "is missing, although the commit before the last one declared it, and others exist": (
        _deleted_by_hand
    ),
    "is older, and no commit declared it as it is: someone made it": _taken_over,
    "is older, and was edited since: an imported one": _imported_and_edited,
    "is as no commit can show, since git cannot be read": _edited_in_a_shallow_clone,
    "has a name that only looks the same": _looks_alike,
}
"""What makes the situation of each row, by its first cell."""
