"""The same history for another account or folder: what was declared before proves nothing."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from segctl.history.git import read_removal_history, read_timeline
from segctl.history.places import Place, may_share_account, read_place
from segctl.model.accounts import Account
from segctl.planning.ownership import PlaceKind

from .repository import START, STYLES, Repository, bring_to_main, new_repository, segment

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.planning.ownership import RemovalHistory
    from tests.support.account import Remote
    from tests.support.project import Project

HOME = Account()
SHOP = Account(subuser="shop")
KEEP, VIP, OLD = (
    segment("Keep", "city = '0'"),
    segment("VIP", "city = '1'"),
    segment("Old", "city = '2'"),
)

DEFAULT = "version: 1\n"
ONE_TARGET = "version: 1\ntargets:\n  production: {}\n"
RENAMED = "version: 1\ntargets:\n  main: {api_key_env: SENDGRID_API_KEY, region: global}\n"
TWO_TARGETS = "version: 1\ntargets:\n  production: {}\n  shop: {subuser: shop}\n"
FOR_SHOP = "version: 1\ntargets:\n  production: {subuser: shop}\n"
OTHER_KEY = "version: 1\ntargets:\n  production: {api_key_env: OTHER_SENDGRID_KEY}\n"
IN_EUROPE = "version: 1\ntargets:\n  production: {region: eu}\n"
OTHER_SETTINGS = "version: 1\nlimits: {max_destroy: 5}\nownership: history\n"
BROKEN = "version: 1\ntargets: [\n"
ELSEWHERE = "version: 1\nsegments: audiences\n"


def settings(repository: Repository, text: str | None) -> None:
    path = repository.root / "segctl.yaml"
    if text is None:
        path.unlink()
    else:
        path.write_text(text)


def rename(repository: Repository, folder: str, new: str) -> None:
    (repository.root / folder).rename(repository.root / new)


def history_of(
    repository: Repository, account: Account | None = HOME, folder: str = "segments"
) -> RemovalHistory:
    history = read_removal_history(repository.root, folder, {"Keep"}, account=account)
    assert history.unavailable == ""
    return history


def names_of(history: RemovalHistory) -> list[str]:
    return sorted(removal.name for removal in history.removals)


def kind_of(history: RemovalHistory) -> PlaceKind | None:
    return None if history.place_change is None else history.place_change.kind


@pytest.fixture
def repository(repository: Repository) -> Repository:
    """A repository that declared three segments and removed one, with a branch checked out."""
    repository.commit("Declare", {"keep.yaml": KEEP, "vip.yaml": VIP, "old.yaml": OLD})
    repository.commit("Remove", {"old.yaml": None})
    repository.git("checkout", "--quiet", "-b", "work")
    return repository


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("before", "after", "account"),
    [
        (None, DEFAULT, HOME),
        (None, ONE_TARGET, HOME),
        (DEFAULT, None, HOME),
        (DEFAULT, RENAMED, HOME),
        (ONE_TARGET, RENAMED, HOME),
        (DEFAULT, TWO_TARGETS, HOME),
        (TWO_TARGETS, FOR_SHOP, SHOP),
        (ONE_TARGET, OTHER_SETTINGS, HOME),
        (ONE_TARGET, BROKEN, HOME),
        (FOR_SHOP, OTHER_KEY, None),
    ],
)
def test_settings_that_keep_the_account_keep_the_proof(
    tmp_path: Path, before: str | None, after: str | None, account: Account | None, style: str
) -> None:
    repository = new_repository(tmp_path)
    if before is not None:
        settings(repository, before)
    repository.commit("Declare", {"keep.yaml": KEEP, "vip.yaml": VIP, "old.yaml": OLD})
    repository.commit("Remove", {"old.yaml": None})
    repository.git("checkout", "--quiet", "-b", "work")
    settings(repository, after)
    repository.commit("Change the settings and remove", {"vip.yaml": None})
    bring_to_main(repository, style)
    history = history_of(repository, account)
    assert names_of(history) == ["Old", "VIP"]
    assert history.place_change is None


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("after", "account"),
    [
        (FOR_SHOP, SHOP),
        (TWO_TARGETS, SHOP),
        (OTHER_KEY, Account("OTHER_SENDGRID_KEY")),
        (IN_EUROPE, Account(region="eu")),
    ],
)
def test_for_another_account_what_was_declared_before_proves_nothing(
    repository: Repository, after: str, account: Account, style: str
) -> None:
    settings(repository, after)
    repository.commit("Change the account and remove", {"vip.yaml": None})
    bring_to_main(repository, style)
    history = history_of(repository, account)
    assert history.removals == ()
    assert history.place_change is not None
    assert history.place_change.kind is PlaceKind.ACCOUNT
    assert history.place_change.names == ("Old", "VIP")
    assert history.place_change.commit is not None
    assert history.place_change.commit.id == repository.git("rev-parse", "HEAD")
    assert history.versions_of("VIP") == ()


def test_what_is_declared_for_the_new_account_proves_what_it_did_before(
    repository: Repository,
) -> None:
    settings(repository, TWO_TARGETS)
    added = repository.commit("Add a target", {})
    repository.commit("Edit", {"vip.yaml": segment("VIP", "city = '3'")})
    repository.commit("Remove", {"vip.yaml": None})
    assert names_of(history_of(repository)) == ["Old", "VIP"]
    history = history_of(repository, SHOP)
    (removal,) = history.removals
    assert removal.name == "VIP"
    # The version of before counts from the commit that declared it for this account.
    assert removal.versions[0].commit.id == added
    assert [version.segment.query[-3:] for version in removal.versions] == ["'1'", "'3'"]
    assert history.place_change is not None
    assert history.place_change.names == ("Old",)


def test_an_account_that_comes_back_begins_again(repository: Repository) -> None:
    settings(repository, FOR_SHOP)
    repository.commit("Another account", {})
    repository.commit("Remove", {"vip.yaml": None})
    settings(repository, DEFAULT)
    repository.commit("The first account again", {})
    assert names_of(history_of(repository)) == []
    assert history_of(repository).place_change is not None


@pytest.mark.parametrize("text", [FOR_SHOP, ELSEWHERE])
def test_settings_that_are_not_committed_prove_nothing(repository: Repository, text: str) -> None:
    settings(repository, text)
    if text == ELSEWHERE:
        rename(repository, "segments", "audiences")
        history = history_of(repository, folder="audiences")
    else:
        history = history_of(repository, SHOP)
    assert history.removals == ()
    assert history.place_change is not None
    assert history.place_change.commit is None


def test_settings_behind_a_link_name_no_account(repository: Repository) -> None:
    (repository.root / "other.yaml").write_text(DEFAULT)
    (repository.root / "segctl.yaml").symlink_to("other.yaml")
    repository.commit("Link", {})
    assert kind_of(history_of(repository)) is PlaceKind.ACCOUNT
    assert history_of(repository).removals == ()
    assert names_of(history_of(repository, None)) == ["Old"]


@pytest.mark.parametrize("project", [".", "some/project"])
def test_settings_of_a_project_in_a_subfolder_are_its_own(tmp_path: Path, project: str) -> None:
    repository = new_repository(tmp_path, project)
    repository.commit("Declare", {"keep.yaml": KEEP, "vip.yaml": VIP})
    (tmp_path / "other").mkdir()
    (tmp_path / "other/segctl.yaml").write_text(FOR_SHOP)
    settings(repository, TWO_TARGETS)
    repository.commit("Add a target", {})
    repository.commit("Remove", {"vip.yaml": None})
    assert names_of(history_of(repository)) == ["VIP"]
    assert names_of(history_of(repository, SHOP)) == ["VIP"]
    assert names_of(history_of(repository, Account("OTHER"))) == []


# The folder.


MOVES = ["one commit", "files first", "settings first"]


def move(repository: Repository, order: str) -> None:
    """Move segments/ to audiences/, and set `segments` in segctl.yaml."""
    if order == "files first":
        rename(repository, "segments", "audiences")
        repository.commit("Move the files", {})
    settings(repository, ELSEWHERE)
    if order == "settings first":
        repository.commit("Set the folder", {})
    if order != "files first":
        rename(repository, "segments", "audiences")
    repository.commit("Move", {})


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("order", MOVES)
@pytest.mark.parametrize("project", [".", "project"])
def test_a_folder_that_moves_keeps_the_proof(
    tmp_path: Path, order: str, style: str, project: str
) -> None:
    repository = new_repository(tmp_path, project)
    repository.commit("Declare", {"keep.yaml": KEEP, "a/vip.yaml": VIP, "old.yaml": OLD})
    removing = repository.commit("Remove", {"old.yaml": None})
    repository.git("checkout", "--quiet", "-b", "work")
    move(repository, order)
    (repository.root / "audiences/a/vip.yaml").unlink()
    last = repository.commit("Remove", {})
    bring_to_main(repository, style)
    history = history_of(repository, folder="audiences")
    assert history.place_change is None
    commits = {removal.name: removal.commit for removal in history.removals}
    assert commits["Old"] == removing
    assert commits.keys() == {"Old", "VIP"}
    if style == "on the branch":
        assert commits["VIP"] == last
    timeline = read_timeline(repository.root, "audiences")
    assert timeline.names() == ["Keep", "Old", "VIP"]


@pytest.mark.parametrize("style", STYLES)
def test_a_segment_that_is_renamed_while_its_folder_moves_is_renamed(
    repository: Repository, style: str
) -> None:
    rename(repository, "segments", "audiences")
    settings(repository, ELSEWHERE)
    (repository.root / "audiences/vip.yaml").unlink()
    (repository.root / "audiences/best.yaml").write_text(VIP.replace("VIP", "Best"))
    repository.commit("Move and rename", {})
    bring_to_main(repository, style)
    history = history_of(repository, folder="audiences")
    (renamed,) = (removal for removal in history.removals if removal.name == "VIP")
    assert renamed.renamed_to == "Best"


def test_a_folder_that_moves_twice_keeps_the_proof(repository: Repository) -> None:
    move(repository, "one commit")
    rename(repository, "audiences", "people")
    settings(repository, "version: 1\nsegments: people\n")
    repository.commit("Move again", {})
    history = history_of(repository, folder="people")
    assert names_of(history) == ["Old"]
    assert history.place_change is None


def test_a_query_file_moves_with_its_folder(tmp_path: Path) -> None:
    repository = new_repository(tmp_path)
    text = "name: VIP\nquery_file: vip.sql\n"
    query = VIP.split('query_dsl: "')[1].split('"', maxsplit=1)[0]
    repository.commit("Declare", {"keep.yaml": KEEP, "vip.yaml": text, "vip.sql": query})
    move(repository, "one commit")
    (repository.root / "audiences/vip.yaml").unlink()
    repository.commit("Remove", {})
    (removal,) = history_of(repository, folder="audiences").removals
    assert removal.segment.query == query
    assert removal.file == "audiences/vip.yaml"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("is_removed", [True, False])
def test_another_folder_proves_nothing_of_what_it_was_before(
    tmp_path: Path, style: str, *, is_removed: bool
) -> None:
    repository = new_repository(tmp_path)
    (repository.root / "audiences").mkdir()
    (repository.root / "audiences/a.yaml").write_text(segment("A"))
    (repository.root / "audiences/b.yaml").write_text(segment("B"))
    repository.commit("Declare", {"keep.yaml": KEEP, "vip.yaml": VIP, "old.yaml": OLD})
    (repository.root / "audiences/b.yaml").unlink()
    repository.commit("Remove", {"old.yaml": None})
    repository.git("checkout", "--quiet", "-b", "work")
    settings(repository, ELSEWHERE)
    if is_removed:
        shutil.rmtree(repository.root / "segments")
    repository.commit("Use the other folder", {})
    bring_to_main(repository, style)
    history = read_removal_history(repository.root, "audiences", {"A"}, account=HOME)
    assert history.removals == ()
    assert kind_of(history) is PlaceKind.FOLDER
    assert history.place_change is not None
    assert history.place_change.names == ("B", "Keep", "Old", "VIP")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("steps", ["one commit", "remove first"])
@pytest.mark.parametrize("files", ["one", "two", "two, one of them equal"])
def test_a_folder_that_is_moved_over_this_one_proves_nothing(
    tmp_path: Path, style: str, steps: str, files: str
) -> None:
    repository = new_repository(tmp_path, "eu")
    other = tmp_path / "us/segments"
    other.mkdir(parents=True)
    (other / "vip.yaml").write_text(segment("VIP", "city = '9'"))
    ours: dict[str, str | bytes | None] = {"vip.yaml": VIP, "x/old.yaml": OLD}
    if files != "one":
        (other / "keep.yaml").write_text(KEEP)
        ours["keep.yaml"] = KEEP if "equal" in files else segment("Keep", "city = '4'")
    repository.commit("Declare", ours)
    repository.git("checkout", "--quiet", "-b", "work")
    shutil.rmtree(repository.root / "segments")
    if steps == "remove first":
        repository.commit("Remove", {})
    shutil.move(other, repository.root / "segments")
    last = repository.commit("Move", {})
    bring_to_main(repository, style)
    history = read_removal_history(repository.root, "segments", {"Keep", "VIP"}, account=HOME)
    assert history.removals == ()
    assert history.place_change is not None
    assert history.place_change.kind is PlaceKind.FILES
    assert history.place_change.names == ("Old",)
    if style == "on the branch":
        assert history.place_change.commit is not None
        assert history.place_change.commit.id == last
    assert [version.segment.query[-3:] for version in history.versions_of("VIP")] == ["'9'"]


def test_files_that_move_into_the_folder_are_not_a_folder_moved_over_it(tmp_path: Path) -> None:
    repository = new_repository(tmp_path, "eu")
    other = tmp_path / "us/segments"
    other.mkdir(parents=True)
    (other / "new.yaml").write_text(segment("New", "city = '9'"))
    repository.commit("Declare", {"vip.yaml": VIP, "keep.yaml": KEEP})
    shutil.move(other / "new.yaml", repository.root / "segments/new.yaml")
    repository.commit("Move", {"vip.yaml": None})
    history = read_removal_history(repository.root, "segments", {"Keep", "New"}, account=HOME)
    assert names_of(history) == ["VIP"]
    assert history.place_change is None


def test_every_file_edited_at_once_proves_as_before(repository: Repository) -> None:
    repository.commit(
        "Edit all",
        {"keep.yaml": segment("Keep", "city = '5'"), "vip.yaml": segment("VIP", "city = '6'")},
    )
    repository.commit("Remove", {"vip.yaml": None})
    assert names_of(history_of(repository)) == ["Old", "VIP"]


# By the command line.


def test_the_plan_for_another_account_deletes_nothing_and_says_why(
    connected: Project, remote: Remote
) -> None:
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit("Declare", {"keep.yaml": KEEP, "vip.yaml": VIP})
    console = remote.emulator.console_of("shop")
    query = VIP.split('query_dsl: "')[1].split('"', maxsplit=1)[0]
    remote.clock.moment = datetime.fromtimestamp(START + 30, UTC)
    console.create("VIP", query)
    settings(repository, FOR_SHOP)
    commit = repository.commit("Change the account, and remove", {"vip.yaml": None})
    for _ in range(2):
        plan = connected.run("plan")
        assert plan.code == 0
        assert "warning[place-changed]: segments are left alone because only files from" in plan.out
        assert f"commit {commit[:10]} (2026-05-28), which changed the account in" in plan.out
        assert "segctl.yaml, declared them: `VIP`" in plan.out
        assert connected.run("apply", "--auto-approve").code == 0
        assert {segment.name for segment in console.segments()} == {"Keep", "VIP"}
    repository.commit("Decide", {"vip.yaml": "name: VIP\nremoved: true\n"})
    assert connected.run("apply", "--auto-approve").code == 0
    assert {segment.name for segment in console.segments()} == {"Keep"}
    assert "place-changed" not in connected.run("plan").out


def test_a_segment_of_another_account_is_not_overwritten(
    connected: Project, remote: Remote
) -> None:
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit("Declare", {"keep.yaml": KEEP, "vip.yaml": VIP})
    console = remote.emulator.console_of("shop")
    query = VIP.split('query_dsl: "')[1].split('"', maxsplit=1)[0]
    console.create("VIP", query, at=START - 600)
    settings(repository, FOR_SHOP)
    repository.commit("Change the account, and edit", {"vip.yaml": segment("VIP", "city = '7'")})
    plan = connected.run("plan")
    assert plan.code == 3
    assert "error[takeover]: `VIP` is not this project's" in plan.out


# The pure parts.


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b"version: 1\n", Place()),
        (b"targets: {}\n", Place()),
        (b"targets:\n  a:\n  b: {api_key_env: B, region: eu, subuser: s, unknown: 1}\n",
         Place(accounts=frozenset((Account(), Account("B", "eu", "s"))))),
        (b"segments: ./a/b/\n", Place("a/b")),
        (b"segments: ../a\n", None),
        (b"segments: .\n", None),
        (b"segments: 1\n", None),
        (b"targets: [a]\n", None),
        (b"", None),
        (b"a: [", None),
        (b"\xff\xfe", None),
    ],
)  # fmt: skip
def test_a_place_is_read_from_settings_of_any_version(text: bytes, place: Place | None) -> None:
    assert read_place(text) == place


@pytest.mark.parametrize(
    ("account", "other", "may_share"),
    [
        (Account(), Account(), True),
        (Account("A"), Account("B"), True),
        (Account(region="eu"), Account(), False),
        (Account(subuser="s"), Account(), False),
        (Account(subuser="s"), Account(subuser="t"), False),
        (Account("A", subuser="s"), Account("B", subuser="t"), False),
        (Account("A", subuser="s"), Account("B"), True),
        (Account("A", subuser="s"), None, True),
    ],
)
def test_two_accounts_may_be_one_unless_their_names_exclude_it(
    account: Account, other: Account | None, *, may_share: bool
) -> None:
    assert may_share_account([account], other) is may_share
    if other is not None:
        assert may_share_account([other], account) is may_share
