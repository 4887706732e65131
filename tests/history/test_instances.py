"""Files with instances in git history: each instance is a segment with a history of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from segctl.history.name_scan import naming
from tests.history.repository import (
    START,
    applied_repository,
    ids_by_name,
    segment,
    set_time,
)
from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

KEEP = segment("Keep", "orders_count > 9")
SELECT = "SELECT contact_id, updated_at FROM contact_data WHERE"
COUNTRIES = {"cs": "CZ", "de": "DE", "fr": "FR", "it": "IT", "pl": "PL"}


def template(
    *keys: str, name: str = "In ${lang}", where: str = "country = @country", extra: str = ""
) -> str:
    """Return a file with an instance for each key, whose country is that of the language."""
    items = "".join(
        f"    {key}: {{country: {COUNTRIES.get(key.partition('-')[0], 'XX')}}}\n" for key in keys
    )
    return f"name: {name}\nfor_each:\n  lang:\n{items}{extra}query_dsl: {SELECT} {where}\n"


def plain(key: str) -> str:
    return segment(f"In {key}", f"country = '{COUNTRIES[key]}'")


class Story:
    """A project whose segments were applied, and what happens to them since."""

    def __init__(self, project: Project, remote: Remote, files: dict[str, str]) -> None:
        self.project, self.remote = project, remote
        self.repository = applied_repository(project, remote, {"keep.yaml": KEEP, **files})
        self.ids = ids_by_name(remote)

    def commit(self, **files: str | None) -> None:
        texts = {f"{stem.replace('__', '/')}.yaml": text for stem, text in files.items()}
        self.repository.commit("Change", texts)

    def settings(self, text: str) -> None:
        self.project.write({"segctl.yaml": text})
        self.commit()

    def plan(self, *argv: str) -> str:
        result = self.project.run("plan", *argv)
        assert result.code in {0, 1, 3}, result.err
        return " ".join(f"{result.out} {result.err}".split())

    def apply(self, code: int = 0, *argv: str) -> dict[str, str]:
        """Apply, twice where it works; return which former segment has which name now."""
        result = self.project.run("apply", "--auto-approve", *argv)
        assert result.code == code, result.out + result.err
        if code == 0:
            again = self.project.run("plan", "--detailed-exitcode", *argv)
            assert again.code == 0, again.out + again.err
        else:
            assert ids_by_name(self.remote) == self.ids
        old = {id_: name for name, id_ in self.ids.items()}
        return {
            name: old.get(id_, "new")
            for name, id_ in ids_by_name(self.remote).items()
            if name != "Keep"
        }


@pytest.fixture
def story(connected: Project, remote: Remote) -> Story:
    """Three instances that were applied."""
    return Story(connected, remote, {"in.yaml": template("cs", "de", "fr")})


SAME = {f"In {key}": f"In {key}" for key in ("cs", "de", "fr")}


def test_a_removed_key_removes_its_segment(story: Story) -> None:
    story.commit(**{"in": template("cs", "de")})

    plan = story.plan()
    assert "`In fr` is deleted: commit" in plan
    assert "declared it as it is in segments/in.yaml[fr], and commit" in plan
    assert "removed its name from segments/in.yaml[fr]" in plan
    assert story.apply() == {"In cs": "In cs", "In de": "In de"}


def test_every_format_names_the_file_and_the_instance(story: Story) -> None:
    story.commit(**{"in": template("cs", "de")})

    owned = story.project.run("history", "In fr", "--ownership").out
    assert "declared it in segments/in.yaml[fr] as it is" in owned
    plan = json.loads(story.project.run("plan", "--format", "json").out)
    (change,) = plan["changes"]
    for evidence in (change["proof"]["declared"], change["proof"]["removed"]):
        assert (evidence["file"], evidence["instance"]) == ("segments/in.yaml", "fr")
    saved = story.project.root / "plan.json"
    assert story.project.run("plan", "--out", str(saved)).code == 0
    shown = story.project.run("show", str(saved))
    assert "removed its name from segments/in.yaml[fr]" in " ".join(shown.out.split())
    events = json.loads(story.project.run("history", "In fr", "--format", "json").out)["events"]
    assert events[0]["before"]["file"] == "segments/in.yaml"
    assert events[0]["before"]["instance"] == "fr"


def test_the_order_of_keys_changes_nothing(story: Story) -> None:
    story.commit(**{"in": template("fr", "cs", "de")})
    assert story.apply() == SAME


def test_another_query_of_a_value_is_a_patch(story: Story) -> None:
    story.commit(**{"in": template("cs", "de", "fr").replace("country: FR", "country: BE")})
    assert story.apply() == SAME
    queries = story.remote.definitions()
    assert queries["In fr"][0].endswith("country = 'BE'")


def test_a_previous_key_keeps_the_id(story: Story) -> None:
    extra = "previous_keys: {lang: {fr-FR: [fr]}}\n"
    story.commit(**{"in": template("cs", "de", "fr-FR", extra=extra)})

    assert "wrote its name in `previous_keys` of segments/in.yaml[fr-FR]" in story.plan() or (
        "removed its name from segments/in.yaml[fr]" in story.plan()
    )
    assert story.apply() == {"In cs": "In cs", "In de": "In de", "In fr-FR": "In fr"}


def test_another_key_with_the_same_audience_is_a_rename(story: Story) -> None:
    story.commit(**{"in": template("cs", "de", "fr-FR")})
    assert story.apply() == {"In cs": "In cs", "In de": "In de", "In fr-FR": "In fr"}


def test_another_key_with_another_audience_may_be_a_rename(story: Story) -> None:
    story.commit(**{"in": template("cs", "de", "it")})

    plan = story.plan()
    assert "[rename-or-delete]" in plan
    assert "removed segments/in.yaml[fr] and added segments/in.yaml[it]" in plan
    assert "`previous_keys` in segments/in.yaml" in plan
    story.apply(3)
    # What the refusal offers decides.
    story.commit(gone="name: In fr\nremoved: true\n")
    assert story.apply() == {"In cs": "In cs", "In de": "In de", "In it": "new"}


def test_a_key_that_is_removed_and_another_one_added_later(story: Story) -> None:
    """The answer does not depend on how a branch was merged."""
    story.commit(**{"in": template("cs", "de")})
    story.commit(**{"in": template("cs", "de", "it")})

    assert "[rename-or-delete]" in story.plan()
    story.apply(3)


def test_a_constant_description_does_not_identify_an_instance(
    connected: Project, remote: Remote
) -> None:
    described = {"extra": "description: Customers of a language.\n"}
    story = Story(connected, remote, {"in.yaml": template("fr", **described)})
    story.commit(**{"in": template("it", **described)})

    assert "[rename-or-delete]" in story.plan()
    story.apply(3)


def test_another_name_of_the_template_renames_all(story: Story) -> None:
    story.commit(**{"in": template("cs", "de", "fr", name="People in ${lang}")})
    assert story.apply() == {f"People {name.replace('I', 'i')}": name for name in SAME}


def test_a_moved_and_renamed_template_keeps_the_ids(story: Story) -> None:
    moved = template("cs", "de", "fr", name="People in ${lang}")
    story.commit(**{"in": None, "people__all": moved})
    assert story.apply() == {f"People {name.replace('I', 'i')}": name for name in SAME}


def test_files_are_folded_and_unfolded(connected: Project, remote: Remote) -> None:
    keys = ("cs", "de", "fr")
    story = Story(connected, remote, {f"{key}.yaml": plain(key) for key in keys})
    story.commit(cs=None, de=None, fr=None, **{"in": template(*keys)})
    assert story.apply() == SAME
    story.commit(**{"in": None}, cs=plain("cs"), de=plain("de"), fr=plain("fr"))
    assert story.apply() == SAME


def test_a_file_becomes_one_with_instances(connected: Project, remote: Remote) -> None:
    story = Story(connected, remote, {"in.yaml": plain("fr")})
    story.commit(**{"in": template("cs", "fr")})
    assert story.apply() == {"In cs": "new", "In fr": "In fr"}


def test_a_file_becomes_one_with_instances_of_other_names(
    connected: Project, remote: Remote
) -> None:
    story = Story(connected, remote, {"in.yaml": plain("fr")})
    story.commit(**{"in": template("cs", "fr", name="People in ${lang}")})
    assert story.apply() == {"People in cs": "new", "People in fr": "In fr"}


def test_a_dimension_is_added(story: Story) -> None:
    both = template("cs", "de", "fr", extra="  size: [big]\n", where="country = @country")
    story.commit(**{"in": both})
    assert story.apply() == SAME
    names = {"name": "In ${lang} ${size}"}
    both = template("cs", "de", "fr", extra="  size: [big, small]\n", **names)
    story.commit(**{"in": both})
    # Which of the two is the old one is for a person to say.
    assert "[rename-or-delete]" in story.plan() or "[unclear-rename]" in story.plan()


def test_a_key_moves_to_another_file(story: Story) -> None:
    story.commit(**{"in": template("cs", "de"), "west": template("fr")})
    assert story.apply() == SAME


def test_a_revert_of_a_removed_key_leaves_all_as_it_is(story: Story) -> None:
    story.commit(**{"in": template("cs", "de")})
    story.commit(**{"in": template("cs", "de", "fr")})
    assert story.apply() == SAME


def test_two_branches_add_keys(story: Story) -> None:
    repository = story.repository
    listed = "name: In ${lang}\nfor_each:\n  lang:\n    - cs\n    - de\n    - fr\n    - zz\n"
    rest = f"query_dsl: {SELECT} country = @lang\n"
    story.commit(**{"in": listed + rest})
    story.apply()
    story.ids = ids_by_name(story.remote)
    repository.git("checkout", "--quiet", "-b", "work")
    story.commit(**{"in": listed.replace("    - cs\n", "    - aa\n    - cs\n") + rest})
    repository.git("checkout", "--quiet", "main")
    story.commit(**{"in": f"{listed}    - zzz\n{rest}"})
    repository.merge("work", "Merge")
    set_time(story.remote, 7200)
    names = story.apply()
    assert {name for name, old in names.items() if old == "new"} == {"In aa", "In zzz"}
    assert len(names) == 6


def test_a_file_that_is_broken_in_between(story: Story) -> None:
    story.commit(**{"in": "name: [In\n"})
    story.commit(**{"in": template("cs", "de")})
    assert story.apply() == {"In cs": "In cs", "In de": "In de"}


def test_a_tombstone_removes_every_instance(story: Story) -> None:
    story.commit(**{"in": template("cs", "de", "fr", extra="removed: true\n")})

    assert "wrote `removed: true` in segments/in.yaml[fr]" in story.plan()
    assert story.apply() == {}


def test_forgotten_instances_stay_when_their_file_goes(story: Story) -> None:
    story.commit(**{"in": template("cs", "de", "fr", extra="removed: forget\n")})
    assert story.apply() == SAME
    story.commit(**{"in": None})
    assert story.apply() == SAME


def test_an_uncommitted_change_of_a_key_is_refused(story: Story) -> None:
    story.repository.write({"in.yaml": template("cs", "de", "it")})

    assert "[rename-not-committed]" in story.plan()
    story.apply(3)


def test_an_uncommitted_removal_of_a_key_does_nothing(story: Story) -> None:
    story.repository.write({"in.yaml": template("cs", "de")})

    assert "[not-committed]" in story.plan()
    assert story.apply() == SAME


def test_a_shallow_clone_deletes_nothing(story: Story) -> None:
    story.commit(**{"in": template("cs", "de")})
    head = story.repository.git("rev-parse", "HEAD")
    (story.repository.top / ".git/shallow").write_text(f"{head}\n")

    assert "[history-unavailable]" in story.plan()
    assert story.apply() == SAME


def test_too_many_removed_keys_are_refused(connected: Project, remote: Remote) -> None:
    story = Story(connected, remote, {"in.yaml": template(*COUNTRIES)})
    story.commit(**{"in": template("cs")})

    assert "[too-destructive]" in story.plan()
    story.apply(3)


def test_a_key_of_a_shared_set_is_removed(connected: Project, remote: Remote) -> None:
    sets = "instances:\n  languages: {cs: {country: CZ}, fr: {country: FR}}\n"
    text = "name: In ${lang}\nfor_each: {lang: languages}\n"
    text += f"query_dsl: {SELECT} country = @country\n"
    story = Story(connected, remote, {"in.yaml": text, "instances.yaml": sets})
    story.commit(instances="instances: [\n")
    story.commit(instances=sets.replace("fr: {country: FR}", "it: {country: IT}"))

    assert "[rename-or-delete]" in story.plan()
    story.apply(3)
    story.commit(instances=sets.replace(", fr: {country: FR}", ""))
    assert story.apply() == {"In cs": "In cs"}


SETTINGS = """\
version: 1
default_target: eu
targets:
  eu: {}
  us: {api_key_env: US_SENDGRID_KEY}
groups: {shops: [eu, us]}
values: {region: Europe}
"""


def for_targets(targets: str, *, name: str = "VIP", extra: str = "") -> str:
    text = segment(name, "total_spend > 500")
    return f"{text}targets: {targets}\n{extra}"


@pytest.fixture
def shops(connected: Project, remote: Remote) -> Story:
    """A segment for a group of targets, of which one is planned for."""
    connected.write({"segctl.yaml": SETTINGS})
    files = {
        "vip.yaml": for_targets("[shops]"),
        "region.yaml": segment("${region} only", "city = 'x'"),
    }
    return Story(connected, remote, files)


BOTH = {"VIP": "VIP", "Europe only": "Europe only"}


def test_a_target_that_a_file_is_not_for_any_more(shops: Story) -> None:
    shops.commit(vip=for_targets("[us]"))

    assert "`VIP` is deleted: commit" in shops.plan()
    assert shops.apply() == {"Europe only": "Europe only"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("shops: [eu, us]", "shops: [us]"),
        ("groups: {shops: [eu, us]}", "groups: {stores: [eu, us], shops: [us]}"),
    ],
)
def test_a_group_without_the_target_deletes_nothing(shops: Story, old: str, new: str) -> None:
    shops.settings(SETTINGS.replace(old, new))
    assert "[settings-left]" in shops.plan()
    assert shops.apply() == BOTH
    # Nor does the file once it is removed: it was for other accounts by then.
    shops.commit(vip=None)
    assert shops.apply() == BOTH
    # A file decides.
    shops.commit(vip="name: VIP\nremoved: true\n")
    assert shops.apply() == {"Europe only": "Europe only"}


def test_a_broken_file_hides_no_change_of_a_group(shops: Story) -> None:
    shops.commit(vip="name: [VIP\n")
    shops.settings(SETTINGS.replace("shops: [eu, us]", "shops: [us]"))
    shops.commit(vip=for_targets("[shops]", extra="owner: crm\n"))
    assert "[settings-left]" in shops.plan()
    assert shops.apply() == BOTH


def test_a_group_and_its_file_change_at_once(shops: Story) -> None:
    """The file is not the reason: with the old group, it would be for the target."""
    shops.project.write({"segctl.yaml": SETTINGS.replace("shops: [eu, us]", "shops: [us]")})
    shops.commit(vip=for_targets("[shops]", extra="owner: crm\n"))
    assert "[settings-left]" in shops.plan()
    assert shops.apply() == BOTH


@pytest.mark.parametrize("at_once", [False, True])
def test_a_renamed_target_is_the_same_account(shops: Story, *, at_once: bool) -> None:
    renamed = SETTINGS.replace("eu", "shop_eu").replace(
        "values: {region: Euro", "values: {region: Euro"
    )
    renamed = renamed.replace("shop_europe", "europe")
    shops.commit(vip=for_targets("[eu]"))
    if at_once:
        shops.project.write({"segctl.yaml": renamed})
    else:
        shops.settings(renamed)
    shops.commit(vip=for_targets("[shop_eu]"))
    assert shops.apply() == BOTH
    shops.commit(vip=for_targets("[us]"))
    assert shops.apply() == {"Europe only": "Europe only"}


def test_another_value_renames(shops: Story) -> None:
    shops.settings(SETTINGS.replace("region: Europe", "region: The north"))
    assert shops.apply() == {"VIP": "VIP", "The north only": "Europe only"}


def test_another_value_deletes_nothing_where_its_name_is_taken(shops: Story) -> None:
    """The segment of the new name is this project's, too: only a file gives a segment up."""
    shops.commit(north=segment("The north only", "city = 'y'"))
    shops.apply()
    shops.project.write({"segctl.yaml": SETTINGS.replace("region: Europe", "region: The north")})
    shops.commit(north=None)
    shops.ids = ids_by_name(shops.remote)
    set_time(shops.remote, 7200)
    assert "[settings-left]" in shops.plan()
    assert shops.apply() == {**BOTH, "The north only": "The north only"}


@pytest.mark.parametrize("text", ["version: [1\n", "groups: 1\n", ""])
def test_broken_settings_remove_nothing(shops: Story, text: str) -> None:
    shops.settings(text)
    shops.commit(other=segment("Other", "city = 'z'"))
    shops.settings(SETTINGS)
    assert shops.apply() == {**BOTH, "Other": "new"}
    shops.commit(vip=None)
    assert "VIP" not in shops.apply()


def test_a_value_that_is_gone_for_a_while_removes_nothing(shops: Story) -> None:
    shops.settings(SETTINGS.replace("values: {region: Europe}", "values: {}"))
    shops.settings(SETTINGS)
    assert shops.apply() == BOTH


def test_history_follows_names_of_values_and_instances(shops: Story) -> None:
    shops.settings(SETTINGS.replace("region: Europe", "region: The north"))
    shops.commit(**{"in": template("cs", "fr")})
    shops.commit(**{"in": template("cs")})
    result = shops.project.run("history")
    assert "renamed  The north only  segments/region.yaml" in result.out
    assert "created  In fr  segments/in.yaml[fr]" in result.out
    assert "removed  In fr  segments/in.yaml[fr]" in result.out
    assert "created  Europe only" in shops.project.run("history", "The north only").out


@pytest.mark.parametrize(
    "edit",
    [
        ("cs: {country: CZ}", "cz: {country: CZ}"),
        ("name: In", "name: At"),
        ("cs: {country: CZ}", "cs: {country: 1}"),
        ("query_dsl:", "exclude: [{lang: cs}]\nquery_dsl:"),
        ("query_dsl:", "targets: [eu]\nquery_dsl:"),
        ("query_dsl:", "values: {lang2: x}\nquery_dsl:"),
        ("{country: CZ}", "&x {country: *x}"),
    ],
)
def test_what_decides_on_names_is_told_apart(edit: tuple[str, str]) -> None:
    text = template("cs", "de")
    assert naming(text.replace(*edit).encode()) != naming(text.encode())


def test_a_query_does_not_decide_on_names() -> None:
    text = template("cs", "de")
    edited = text.replace("country = @country", "city = 'x'").replace(
        "query_dsl", "owner: x\nquery_dsl"
    )
    assert naming(edited.encode()) == naming(text.encode())


# Hostile pull requests.


def test_an_instance_with_the_name_of_someone_elses_segment(story: Story) -> None:
    story.remote.emulator.console.create("In it", query("city = 'Brno'"), at=1_700_000_000)
    story.ids = ids_by_name(story.remote)
    story.commit(**{"in": template("cs", "de", "fr", "it")})
    assert "[takeover]" in story.plan()
    story.apply(3)
    story.commit(**{"in": template("cs", "de", "fr")})
    assert story.apply() == {**SAME, "In it": "In it"}


def test_a_value_that_renders_the_name_of_someone_elses_segment(shops: Story) -> None:
    shops.remote.emulator.console.create("The north only", query("city = 'q'"), at=1_700_000_000)
    shops.ids = ids_by_name(shops.remote)
    shops.settings(SETTINGS.replace("region: Europe", "region: The north"))
    assert "[name-taken]" in shops.plan()
    shops.apply(1)


def test_a_previous_key_does_not_steal_the_segment_of_another_file(story: Story) -> None:
    story.commit(it=segment("In it", "city = 'y'"))
    story.apply()
    story.ids = ids_by_name(story.remote)
    extra = "previous_keys: {lang: {pl: [it]}}\n"
    story.commit(**{"in": template("cs", "de", "fr", "pl", extra=extra)})
    assert "[claimed-twice]" in story.plan()
    story.apply(1)


@pytest.mark.parametrize("created", [1_700_000_000, START + 60 * 1000])
def test_a_previous_key_does_not_take_what_someone_made(story: Story, created: int) -> None:
    story.remote.emulator.console.create("In pl", query("city = 'Brno'"), at=created)
    story.ids = ids_by_name(story.remote)
    keys = template("cs", "de", "fr", "it", extra="previous_keys: {lang: {it: [pl]}}\n")
    story.commit(**{"in": keys})
    assert "[takeover]" in story.plan()
    story.apply(3)
    story.commit(**{"in": f"adopt: true\n{keys}"})
    assert story.apply()["In it"] == "In pl"


@pytest.mark.parametrize("at_once", [False, True])
def test_another_group_of_a_file_deletes_nothing(shops: Story, *, at_once: bool) -> None:
    """Whether the file or the group is another one does not show."""
    settings = SETTINGS.replace("groups: {shops: [eu, us]}", "groups: {stores: [us]}")
    if at_once:
        shops.project.write({"segctl.yaml": settings})
    else:
        shops.settings(settings)
    shops.commit(vip=for_targets("[stores]"))
    assert "[settings-left]" in shops.plan()
    assert shops.apply() == BOTH


def test_a_swapped_set_renames_what_has_the_same_audience(
    connected: Project, remote: Remote
) -> None:
    sets = "instances:\n  a: {cs: {country: CZ}}\n  b: {de: {country: DE}}\n"
    text = f"for_each: {{lang: SET}}\nquery_dsl: {SELECT} country = @country\n"
    files = {
        f"{name}.yaml": f"name: {name} ${{lang}}\n{text.replace('SET', name)}" for name in "ab"
    }
    story = Story(connected, remote, {**files, "instances.yaml": sets})
    swapped = sets.replace("a: {cs: {country: CZ}}", "a: {de: {country: DE}}")
    story.commit(instances=swapped.replace("b: {de: {country: DE}}", "b: {cs: {country: CZ}}"))
    assert story.apply() == {"a de": "b de", "b cs": "a cs"}


def test_values_that_swap_names_delete_and_create_nothing(
    connected: Project, remote: Remote
) -> None:
    items = "{{a: {{label: {0}, city: x}}, b: {{label: {1}, city: y}}}}"
    text = "name: ${{label}}\nfor_each: {{key: {0}}}\nquery_dsl: {1} city = @city\n"
    story = Story(connected, remote, {"in.yaml": text.format(items.format("One", "Two"), SELECT)})
    story.commit(**{"in": text.format(items.format("Two", "One"), SELECT)})
    # As with two files: the names are what they were, and their queries change.
    assert story.apply() == {"One": "One", "Two": "Two"}
    assert remote.definitions()["One"][0].endswith("city = 'y'")


@pytest.mark.parametrize(
    ("text", "is_left"),
    [
        (template("cs", "fr"), True),
        (template("cs", "it"), False),
        (template("cs", "fr", extra="removed: true\n"), False),
        (template("cs", "fr", extra="targets: [nowhere]\n"), True),
    ],
)
def test_another_project_declares_an_instance(story: Story, text: str, *, is_left: bool) -> None:
    story.project.write({"two/segments/in.yaml": text})
    story.commit(**{"in": template("cs", "de")})
    assert ("[declared-elsewhere]" in story.plan()) == is_left
    assert ("In fr" in story.apply()) == is_left
