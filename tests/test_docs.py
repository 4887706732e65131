"""Pages that are made from the code say what the code says.

`python -m pytest tests/test_docs.py --docs-write` writes them anew.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from segctl.cli.program import COMMANDS
from segctl.linting import rules_markdown
from tests.conftest import REPOSITORY, Project

PAGES = {"docs/lint-rules.md": rules_markdown}


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_fresh(name: str, request: pytest.FixtureRequest) -> None:
    path, text = REPOSITORY / name, PAGES[name]()
    if request.config.getoption("--docs-write"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")
    assert path.read_text("utf-8") == text


def test_the_readme_names_every_command() -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    for name in COMMANDS:
        assert f"`segctl {name}" in readme, name


def yaml_blocks() -> list[str]:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    return re.findall(r"^```yaml\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", yaml_blocks())
def test_every_yaml_block_of_the_readme_is_valid(project: Project, block: str) -> None:
    name = "segctl.yaml" if block.startswith("version:") else "segments/a.yaml"
    project.write({name: block})
    fields = (REPOSITORY / "segments/fields.yaml").read_text("utf-8")
    project.write({"segments/fields.yaml": fields})
    assert project.run("validate").code == 0


def test_links_of_the_pages_lead_somewhere() -> None:
    for page in [REPOSITORY / "README.md", *REPOSITORY.glob("docs/*.md")]:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text("utf-8")):
            if not link.startswith("http"):
                assert Path(page.parent, link).exists(), f"{page.name}: {link}"
