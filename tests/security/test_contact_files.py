"""Promise: a contact file is data. It reads no other file, and nothing of one comes out.

Against DuckDB files with programs in them (views over functions that read files, macros, generated
columns) in every place where a pull request can put one, and against other files than it claims.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segctl.audience.duckdb_engine import Database, EvaluationFailed
from segctl.contacts.dataset import open_dataset
from segctl.errors import UsageError
from tests.contacts.support import pulled
from tests.support.account import KEY
from tests.support.builders import query
from tests.support.leaks import pieces_of
from tests.support.process import child_env, running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.project import Project

duckdb = pytest.importorskip("duckdb")

SECRET = "ghs_0123456789abcdefghijABCDEFGHIJ012345"
SECRET_PIECES = frozenset(pieces_of(SECRET))
PULLED = "version: 1\ncontacts: pulled\n"
NAMED = "version: 1\ncontacts: {contacts: audience.csv}\n"
DATASET = ".segctl/contacts/sandbox.duckdb"
METADATA = (
    "CREATE VIEW segctl_base AS SELECT unnest(['format', 'account', 'lists', 'as_of', 'only',"
    " 'account_lists']) AS key, unnest(['1', NULL, '\"all\"', {text}, json_array({text})::VARCHAR,"
    " json_array({text})::VARCHAR]) AS value"
)
AS_CONTACTS = (
    "CREATE VIEW contact_data AS SELECT '1' AS contact_id, {text} || '@example.com' AS email"
)

VIEWS = {
    "metadata as text": METADATA.format(text="(SELECT content FROM read_text('{file}'))"),
    "metadata as hex": METADATA.format(text="(SELECT hex(content) FROM read_text('{file}'))"),
    "metadata as base64": METADATA.format(text="(SELECT base64(content) FROM read_blob('{file}'))"),
    "metadata as CSV": METADATA.format(
        text="(SELECT reverse(any_value(a)) FROM read_csv('{file}', header=false,"
        " columns={'a': 'VARCHAR'}))"
    ),
    "metadata by a macro": METADATA.format(text="(SELECT hex(content) FROM read())"),
    "contacts": AS_CONTACTS.format(text="(SELECT hex(content) FROM read_text('{file}'))"),
    "events": "CREATE VIEW event_data AS SELECT '1' AS contact_id, content AS event_type"
    " FROM read_text('{file}')",
}
"""Views over a file. In an unlocked connection each shows what is in it."""

OTHERS = {
    "a generated column": "ALTER TABLE segctl_base RENAME TO old; CREATE TABLE segctl_base (key"
    " VARCHAR, stored VARCHAR, value VARCHAR GENERATED ALWAYS AS (hex(version() || stored)));"
    " INSERT INTO segctl_base SELECT key, value FROM old; DROP TABLE old",
    "a default": "ALTER TABLE segctl_base ALTER value SET DEFAULT current_setting('allowed_paths')",
    "a check": "CREATE TABLE event_data (contact_id VARCHAR, CHECK (contact_id <> version()))",
    "an index of an expression": "CREATE INDEX i ON contact_data (lower(contact_id))",
    "a collation": "DROP TABLE contact_data; CREATE TABLE contact_data (contact_id VARCHAR COLLATE"
    " NOCASE)",
    "a macro": "CREATE MACRO lower(x) AS (SELECT content FROM read_text('{file}'))",
    "another type": "CREATE TYPE t AS ENUM ('{file}'); CREATE TABLE event_data (contact_id t)",
    "another standard type": "ALTER TABLE contact_data ALTER city TYPE BLOB",
    "another table": "CREATE TABLE people AS SELECT * FROM read_text('{file}')",
    "another schema": "CREATE SCHEMA more; CREATE TABLE more.contact_data (contact_id VARCHAR)",
    "a struct": "CREATE TABLE event_data (contact_id STRUCT(a VARCHAR))",
    "no metadata": "DROP TABLE segctl_base",
    "more metadata": "ALTER TABLE segctl_base ADD COLUMN more VARCHAR",
}
"""What no pulled data set has, whether or not it is known to do harm."""

Ways = tuple[tuple[str, ...], ...]
OPTIONS: dict[str, Ways] = {
    "preview": (
        *(("--format", form) for form in ("text", "json", "markdown")),
        ("--sample", "1", "--overlap"),
    ),
    "plan": tuple(("--format", form) for form in ("text", "json", "markdown", "github", "html")),
    "contacts": (("show",),),
}
ONCE: dict[str, Ways] = {"preview": ((),), "plan": (("--format", "github"),)}


def hostile(path: Path, statements: str, file: Path) -> Path:
    """Write a data set as a pull does, and then run statements on it that mention a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pulled(path, [{"contact_id": "1", "email": "a@example.com"}], None, {}, only="[]")
    with duckdb.connect(str(path)) as base:
        for table in ("segctl_base", "contact_data"):
            if f"CREATE VIEW {table}" in statements:
                base.execute(f"DROP TABLE {table}")
        if "FROM read())" in statements:
            base.execute(f"CREATE MACRO read() AS TABLE FROM read_text('{file}')")
        base.execute(statements.replace("{file}", str(file)))
    return path


def check_hidden(text: str) -> None:
    assert not [piece for piece in SECRET_PIECES if piece in text], text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file outside of the project that segctl can read, with a secret in it."""
    path = tmp_path.parent / f"{tmp_path.name}-secret"
    path.write_text(f"{SECRET}\n")
    return path


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with one segment, whose plan creates it in the sandbox."""
    project.declare("A", query("email LIKE '%@example.com'"))
    return project


def git(project: Project, *argv: str) -> None:
    subprocess.run(["git", *argv], cwd=project.root, check=True, capture_output=True)


def run_all(project: Project, options: Mapping[str, Ways] = OPTIONS) -> str:
    """Run commands in every format, by default all that count; return all their output."""
    shown = []
    for command, ways in options.items():
        for way in ways:
            done = project.run("--target", "sandbox", command, *way)
            assert "Traceback" not in done.err
            assert "internal error" not in done.err
            shown.append(f"{command} {way}: {done.out}{done.err}")
    text = "\n".join(shown)
    check_hidden(text)
    return text


@pytest.mark.parametrize("statements", [*VIEWS.values()], ids=[*VIEWS])
def test_the_attacks_work_on_an_unlocked_connection(
    tmp_path: Path, file: Path, statements: str
) -> None:
    path = hostile(tmp_path / "a.duckdb", statements, file)
    view = statements.partition("CREATE VIEW ")[2].split(maxsplit=1)[0]
    with duckdb.connect(str(path), read_only=True) as base:
        text = str(base.execute(f"FROM {view}").fetchall())
    with pytest.raises(AssertionError):
        check_hidden(text)


@pytest.mark.parametrize("attack", [*VIEWS, *OTHERS])
def test_pulled_contacts_that_are_programs_are_refused(
    shop: Project, file: Path, attack: str
) -> None:
    """Where the file is not known to git: copied there by a workflow, or without a repository."""
    statements = (VIEWS | OTHERS)[attack]
    shop.write({"segctl.yaml": PULLED})
    hostile(shop.root / DATASET, statements, file)
    text = run_all(shop, OPTIONS if attack in VIEWS else ONCE)
    assert "sandbox.duckdb is damaged, or was not written by `segctl contacts pull`" in text


@pytest.mark.parametrize("attack", ["metadata as hex", "contacts"])
@pytest.mark.parametrize("settings", [PULLED, NAMED])
def test_a_tracked_file_is_refused_before_it_is_opened(
    shop: Project, file: Path, settings: str, attack: str
) -> None:
    path = shop.root / (DATASET if settings == PULLED else "audience.csv")
    shop.write({"segctl.yaml": settings, ".gitignore": ".segctl/\n"})
    hostile(path, VIEWS[attack], file)
    git(shop, "init", "-q")
    git(shop, "add", "-f", "-A")
    name = path.relative_to(shop.root).as_posix()
    done = shop.run("validate")
    assert (done.code, f"git tracks {name}" in done.err) == (1, True)
    text = run_all(shop)
    runs = sum(len(ways) for ways in OPTIONS.values()) - (settings == NAMED)
    refusals = ("so every clone of the repository contains the contacts", "is for files of this")
    assert sum(map(text.count, refusals)) >= runs
    assert "damaged" not in text
    assert "is a database" not in text


def test_a_file_of_a_submodule_is_tracked(shop: Project, file: Path) -> None:
    hostile(shop.root / "more/audience.csv", VIEWS["contacts"], file)
    shop.write({"segctl.yaml": "version: 1\ncontacts: {contacts: more/audience.csv}\n"})
    git(shop, "init", "-q")
    git(shop, "-C", "more", "init", "-q")
    git(shop, "-C", "more", "add", "audience.csv")
    git(shop, "-C", "more", "-c", "user.name=a", "-c", "user.email=a", "commit", "-qm", "a")
    git(shop, "add", "more")
    assert "git tracks more/audience.csv" in run_all(shop)


@pytest.mark.parametrize("attack", [*VIEWS])
@pytest.mark.parametrize("key", ["contacts", "events"])
def test_a_database_is_no_contact_file(shop: Project, file: Path, attack: str, key: str) -> None:
    """A file's content decides what it is, whatever its name."""
    shop.write({"audience.csv": "contact_id\n1\n"})
    files = {"contacts": "audience.csv", key: "hostile.csv"}
    named = ", ".join(f"{name}: {value}" for name, value in files.items())
    shop.write({"segctl.yaml": f"version: 1\ncontacts: {{{named}}}\n"})
    hostile(shop.root / "hostile.csv", VIEWS[attack], file)
    text = run_all(shop, ONCE)
    assert "hostile.csv is a database" in text
    done = shop.run("preview", f"--{key}", str(shop.root / "hostile.csv"))
    assert (done.code, "hostile.csv is a database" in done.err) == (1, True)


@pytest.mark.parametrize("suffix", [".wal", ".wal.checkpoint", ".wal.recovery"])
def test_changes_beside_the_file_are_not_replayed(shop: Project, file: Path, suffix: str) -> None:
    shop.write({"segctl.yaml": PULLED})
    path = hostile(shop.root / DATASET, "SELECT 1", file)
    assert "1 contact pulled as of" in run_all(shop, ONCE)
    with duckdb.connect(str(path)) as base:
        base.execute("PRAGMA disable_checkpoint_on_shutdown")
        base.execute("DROP TABLE contact_data")
        base.execute(VIEWS["contacts"].replace("{file}", str(file)))
    path.with_name(path.name + ".wal").rename(path.with_name(path.name + suffix))
    assert "sandbox.duckdb is damaged, or was not written by" in run_all(shop, ONCE)


@pytest.mark.posix
@pytest.mark.parametrize("link", [".segctl", ".segctl/contacts", DATASET])
def test_pulled_contacts_are_not_read_through_a_link(
    shop: Project, tmp_path: Path, file: Path, link: str
) -> None:
    shop.write({"segctl.yaml": PULLED})
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    target = elsewhere / Path(DATASET).relative_to(link)
    hostile(elsewhere if link == DATASET else target, "SELECT 1", file)
    (shop.root / link).parent.mkdir(parents=True, exist_ok=True)
    (shop.root / link).symlink_to(elsewhere)
    text = run_all(shop, ONCE)
    assert f"{link} is a link" in text
    assert "1 contact" not in text


@pytest.mark.posix
@pytest.mark.parametrize("key", ["contacts", "events"])
def test_no_other_file_is_read(shop: Project, file: Path, key: str) -> None:
    """Links out of the project, patterns, and what git keeps for itself."""
    file.write_text(f"contact_id,{SECRET}\n{SECRET},{SECRET}\n")
    git(shop, "init", "-q")
    (shop.root / ".git/secret").write_text(file.read_text())
    shop.write({"good.csv": "contact_id,email\n1,a@example.com\n", ".gitignore": "*.csv\n"})
    (shop.root / "link.csv").symlink_to(file)
    (shop.root / "git.csv").symlink_to(shop.root / ".git/secret")
    (shop.root / "folder").symlink_to(file.parent)
    (shop.root / "loop.csv").symlink_to("loop.csv")
    reasons = {
        "link.csv": "link.csv is a link that leads out of the project",
        f"folder/{file.name}": "is a link that leads out of the project",
        "loop.csv": "loop.csv is a link that leads out of the project",
        "git.csv": "git.csv is a file of git's own",
        ".git/secret": ".git/secret is a file of git's own",
        "*.csv": "*.csv not found",
        "**/*": "* not found",
        "?ood.csv": "?ood.csv not found",
        "[g]ood.csv": "[g]ood.csv not found",
        "/etc/*": "must be a file inside the project",
        str(file): "must be a file inside the project",
        f"../{file.name}": "must be a file inside the project",
        "~/secret": "secret not found",
        "https://example.com/a.csv": "a.csv not found",
        "/proc/self/environ": "must be a file inside the project",
    }
    for name, reason in reasons.items():
        files = {"contacts": "good.csv", key: name}
        named = ", ".join(f'{name}: "{value}"' for name, value in files.items())
        shop.write({"segctl.yaml": f"version: 1\ncontacts: {{{named}}}\n"})
        for argv in (("preview",), ("plan",)):
            done = shop.run("--target", "sandbox", *argv)
            check_hidden(done.out + done.err)
            assert reason in done.out + done.err, name


def test_a_folder_is_no_column(shop: Project) -> None:
    """DuckDB reads `email=…` in a path as a column, unless told otherwise."""
    folder = shop.root / "email=x@example.com"
    folder.mkdir()
    duckdb.sql("SELECT '1' AS contact_id").write_parquet(str(folder / "a.parquet"))
    (folder / "a.csv").write_text("contact_id\n1\n")
    for name in ("a.parquet", "a.csv"):
        shop.write({"segctl.yaml": f"version: 1\ncontacts: {{contacts: '{folder.name}/{name}'}}\n"})
        assert "the contacts have no column `email`" in run_all(shop, ONCE)


@pytest.mark.parametrize(
    "data",
    [
        f'{{"contact_id": "{SECRET}", "email": "{SECRET}"}}\n'.encode(),
        f'[{{"contact_id":"{SECRET}"}}]'.encode(),
        f"email={SECRET}\nKEY={SECRET}\n".encode(),
        f"[core]\n\temail = {SECRET}\n".encode(),
        f"SQLite format 3\0{SECRET}".encode(),
        f"Obj\x01avro{SECRET}".encode(),
        f"ARROW1\0\0{SECRET}".encode(),
        f"PAR1{SECRET}PAR1".encode(),
        f"PARE{SECRET}PARE".encode(),
        f"12345678DUCK{SECRET}".encode(),
        b"\x1f\x8b" + SECRET.encode(),
        f"contact_id\n{SECRET},{SECRET}\n".encode(),
        f'contact_id,email\n1,"{SECRET}\n'.encode(),
        f"contact_id,total_spend\n1,{SECRET}\n".encode(),
        f"contact_id,email\n{SECRET},\n{SECRET},\n".encode(),
        b"\xff" + SECRET.encode(),
    ],
)
@pytest.mark.parametrize("key", ["contacts", "events"])
def test_no_content_comes_out_of_any_other_format(shop: Project, key: str, data: bytes) -> None:
    shop.declare("B", query("total_spend > 5"))
    shop.write({"good.csv": "contact_id,email\n1,a@example.com\n"})
    (shop.root / "a.csv").write_bytes(data)
    files = {"contacts": "good.csv", key: "a.csv"}
    named = ", ".join(f"{name}: {value}" for name, value in files.items())
    shop.write({"segctl.yaml": f"version: 1\ncontacts: {{{named}}}\n"})
    run_all(shop, ONCE)


REACHES = (
    *("FROM read_text('{}')", "FROM read_blob('{}')", "FROM read_csv('{}')", "FROM '{}'"),
    *("FROM read_json('{}')", "FROM read_parquet('{}')", "FROM glob('{}')", "FROM sniff_csv('{}')"),
    *("FROM parquet_metadata('{}')", "FROM read_csv(['{}'])", "ATTACH '{}' AS other"),
    *("COPY (SELECT 1) TO '{}'", "CREATE TABLE t AS FROM read_text('{}')", "LOAD '{}'"),
    *("INSTALL httpfs", "LOAD httpfs", "FROM read_csv('https://example.com/a.csv')"),
    *("SET enable_external_access = true", "RESET allowed_paths", "SET threads = 1"),
    *("EXPORT DATABASE '{}'", "IMPORT DATABASE '{}'", "FROM variable", "FROM read_text('/etc/*')"),
    *("CREATE PERSISTENT SECRET s (TYPE http)", "SELECT getenv('HOME')", "PRAGMA enable_logging"),
)


@pytest.mark.parametrize("statement", REACHES)
def test_every_connection_is_locked(tmp_path: Path, file: Path, statement: str) -> None:
    variable = duckdb.sql("SELECT 1 AS a")
    allowed = tmp_path / "c.csv"
    allowed.write_text("contact_id\n1\n")
    for options in ({}, {"files": [allowed]}, {"files": [allowed], "temp_folder": tmp_path}):
        database = Database(**options)
        try:
            with pytest.raises(EvaluationFailed):
                database.rows(statement.format(file))
        finally:
            database.close()
    assert variable is not None


@pytest.mark.posix
@pytest.mark.parametrize("where", ["/proc/self/environ", "/proc/{parent}/environ"])
def test_a_view_over_the_environment_shows_no_key(shop: Project, where: str) -> None:
    """The system keeps the variables that a process started with, in a file."""
    shop.write({"segctl.yaml": PULLED})
    path = Path(where.format(parent=os.getpid()))
    hostile(shop.root / DATASET, VIEWS["metadata as hex"], path)
    start = ("-m", "segctl", "-C", str(shop.root), "--target", "sandbox")
    env = child_env(SENDGRID_API_KEY=KEY, OTHER=SECRET)
    for argv in (("preview",), ("plan", "--format", "github")):
        with running(*start, *argv, env=env) as process:
            code, out, err = process.finish()
        assert code in {0, 1}
        assert "was not written by `segctl contacts pull`" in out + err
        check_hidden(out + err)
        assert not [piece for piece in pieces_of(KEY) if piece in out + err]


def test_keys_are_out_of_the_environment_while_contacts_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "c.csv"
    path.write_text("contact_id\n1\n")
    names = ("SENDGRID_API_KEY", "SENDGRID_API_KEY_FILE", "SHOP_SENDGRID_KEY_EU")
    for name in (*names, "SEGCTL_API_KEY_COMMAND"):
        monkeypatch.setenv(name, KEY)
    script = "import os; print([n for n in os.environ if 'KEY' in n])"
    with open_dataset(path):
        child = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
        assert child.stdout.strip() == b"[]"
    assert all(os.environ[name] == KEY for name in names)
    with pytest.raises(UsageError), open_dataset(path, tmp_path):
        pass
    assert os.environ["SEGCTL_API_KEY_COMMAND"] == KEY
