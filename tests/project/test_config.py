"""segctl.yaml and the environment: what each may contain, and which takes precedence."""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from segctl.common.loopback import is_loopback
from segctl.common.secrets import Secret
from segctl.errors import InvalidInput, UsageError
from segctl.planning.safety import Limits
from segctl.project import config, environment
from segctl.project.config import (
    Config,
    Target,
    choose_target,
    load_config,
)
from segctl.project.environment import (
    account_digest,
    api_key,
    base_url,
    cache_folder,
    keys_hidden,
)
from segctl.project.groups import find_group
from segctl.project.promotion import Promote
from tests.declarations.reading import KEY, places, shown

HEAD = "version: 1\n"
PAIR = HEAD + "targets: {p: , staging: }\npromote: "
TARGETS = {"prod": Target("prod"), "eu": Target("eu", "EU_SENDGRID_KEY", "eu", "sub")}


def load(folder: Path, text: str | bytes) -> Config:
    data = text.encode() if isinstance(text, str) else text
    (folder / "segctl.yaml").write_bytes(data)
    return load_config(folder)


def refused(folder: Path, text: str | bytes) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        load(folder, text)
    assert all(diagnostic.hint for diagnostic in caught.value.diagnostics)
    return caught.value


def test_without_a_file_the_defaults_are_used(tmp_path: Path) -> None:
    config = load_config(tmp_path)

    assert config == Config(tmp_path)
    assert (config.segments, config.time_zone, config.limits) == ("segments", "UTC", Limits(200))
    assert choose_target(config, None, {}) == Target("production", "SENDGRID_API_KEY", "global")


def test_a_chain_of_promotions_is_read(tmp_path: Path) -> None:
    rules = "{p: {after: staging, allow: ['0123456789abcdef']}, staging: {after: dev}}\n"
    config = load(tmp_path, HEAD + f"targets: {{p: , staging: , dev: }}\npromote: {rules}")

    assert config.promote == {
        "p": Promote("staging", frozenset({"0123456789abcdef"})),
        "staging": Promote("dev"),
    }


def test_a_long_chain_with_a_circle_at_its_end_is_checked_once(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(300)]
    rules = [f"{name}: {{after: {after}}}" for name, after in pairwise([*names, names[-2]])]
    text = HEAD + f"targets: {{{', '.join(f'{name}: ' for name in names)}}}\n"
    error = refused(tmp_path, f"{text}promote: {{{', '.join(rules)}}}\n")

    (problem,) = error.diagnostics
    assert "t298 after t299 after t298" in problem.summary


def test_a_file_can_set_everything(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        HEAD + "segments: ./audience//mail/\ndefault_target: eu\ntime_zone: Europe/Prague\n"
        "limits: {max_segments: 50}\n"
        "targets:\n  prod:\n  eu: {api_key_env: EU_SENDGRID_KEY, region: eu, subuser: sub}\n",
    )

    assert config == Config(tmp_path, "audience/mail", "eu", TARGETS, "Europe/Prague", Limits(50))


def test_a_group_names_targets_in_its_own_order(tmp_path: Path) -> None:
    config = load(tmp_path, HEAD + "targets: {a: , b: , c: }\ngroups: {shops: [c, a], one: [b]}\n")

    assert config.groups == {"shops": ("c", "a"), "one": ("b",)}
    assert load(tmp_path, HEAD).groups == {}


@pytest.mark.parametrize(
    ("text", "percent"), [("50%", 50), ("50 %", 50), ("50", 50), ("50.0", 50), ("0%", 0)]
)
def test_a_percentage_may_have_a_percent_sign(tmp_path: Path, text: str, percent: int) -> None:
    config = load(tmp_path, HEAD + f"limits: {{max_audience_change: {text}}}\n")
    assert config.limits == Limits(max_audience_change=percent)


def test_a_fifth_of_an_audience_needs_attention_unless_the_file_says_otherwise(
    tmp_path: Path,
) -> None:
    assert load(tmp_path, HEAD).attention == 20
    assert load(tmp_path, HEAD + "attention: 5%\n").attention == 5


WRONG = [
    ("", ["1:1 empty-file"], "version: 1"),
    ("# x\n", ["1:1 empty-file"], "version: 1"),
    (b"\xff", ["1:1 not-utf8"], "UTF-8"),
    ("version: [\n", ["1:10 yaml-syntax"], "close"),
    ("[]\n", ["1:1 wrong-type"], "version: 1"),
    ("segments: x\n", ["1:1 missing-key"], "version"),
    ('version: "1"\n', ["1:10 bad-value"], "without quotes"),
    ("version: 2\n", ["1:10 bad-value"], "a newer segctl"),
    ("version: true\n", ["1:10 bad-value"], "must be 1"),
    (HEAD + "segmets: x\n", ["2:1 unknown-key"], "did you mean `segments`?"),
    (HEAD + "segments:\n", ["2:10 wrong-type"], "got nothing"),
    (HEAD + 'segments: ""\n', ["2:11 empty-value"], "empty"),
    (HEAD + "segments: ../x\n", ["2:11 bad-folder"], "inside the project"),
    (HEAD + "segments: a/../../x\n", ["2:11 bad-folder"], "inside the project"),
    (HEAD + "segments: a/..\n", ["2:11 bad-folder"], "inside the project"),
    (HEAD + "segments: .\n", ["2:11 bad-folder"], "inside the project"),
    (HEAD + "segments: /etc\n", ["2:11 bad-folder"], "inside the project"),
    (HEAD + "segments: a\\b\n", ["2:11 bad-folder"], "forward slashes"),
    (HEAD + "segments: C:/x\n", ["2:11 bad-folder"], "inside the project"),
    (HEAD + 'segments: "a\\0"\n', ["2:11 bad-folder"], "inside the project"),
    (HEAD + "time_zone: Prague\n", ["2:12 unknown-time-zone"], "Europe/Prague"),
    (HEAD + "time_zone: europe/prage\n", ["2:12 unknown-time-zone"], "`Europe/Prague`"),
    (HEAD + "time_zone: ../../etc/passwd\n", ["2:12 unknown-time-zone"], "unknown time zone"),
    (HEAD + "time_zone: America\n", ["2:12 unknown-time-zone"], "unknown time zone"),
    (HEAD + "time_zone: localtime\n", ["2:12 unknown-time-zone"], "unknown time zone"),
    (HEAD + 'time_zone: "UTC\\0"\n', ["2:12 unknown-time-zone"], "unknown time zone"),
    (HEAD + "time_zone: 1\n", ["2:12 wrong-type"], "quotes"),
    (HEAD + "limits: 5\n", ["2:9 wrong-type"], "keys and values"),
    (HEAD + "limits: {max_segments: 0}\n", ["2:24 bad-value"], "at least 1"),
    (HEAD + 'limits: {max_segments: "9"}\n', ["2:24 wrong-type"], "without quotes"),
    (HEAD + "limits: {max_segment: 9}\n", ["2:10 unknown-key"], "`max_segments`"),
    (HEAD + "limits: {max_audience_change: 0.5}\n", ["2:31 wrong-type"], "such as 50%"),
    (HEAD + "limits: {max_audience_change: true}\n", ["2:31 wrong-type"], "got true or false"),
    (HEAD + "limits: {max_audience_change: half}\n", ["2:31 bad-value"], "a percentage"),
    (HEAD + 'limits: {max_audience_change: "50"}\n', ["2:31 bad-value"], "such as 50%"),
    (HEAD + "limits: {max_audience_change: -5}\n", ["2:31 bad-value"], "at least 0"),
    (HEAD + "attention: high\n", ["2:12 bad-value"], "such as 20%"),
    (HEAD + "targets:\n", ["2:9 wrong-type"], "got nothing"),
    (HEAD + "targets: {}\n", ["2:10 empty-value"], "empty"),
    (HEAD + "targets: {a: 5}\n", ["2:14 wrong-type"], "a mapping"),
    (HEAD + "targets: {sandbox: }\n", ["2:11 reserved-target"], "always exists"),
    (HEAD + "targets: {1a: }\n", ["2:11 bad-target-name"], "start with a letter"),
    (HEAD + 'targets: {"a\\n": }\n', ["2:11 bad-target-name"], "start with a letter"),
    (HEAD + f"targets: {{{'a' * 64}: }}\n", ["2:11 bad-target-name"], "63"),
    (HEAD + "targets: {a: {region: us}}\n", ["2:23 bad-value"], "global or eu"),
    (HEAD + "targets: {a: {region: }}\n", ["2:23 bad-value"], "global or eu"),
    (HEAD + "targets: {a: {region: Global}}\n", ["2:23 bad-value"], "did you mean `global`?"),
    (
        HEAD + "targets: {a: {api_key_env: my-key}}\n",
        ["2:28 bad-variable"],
        "never write the key",
    ),
    (
        HEAD + 'targets: {a: {api_key_env: "A\\n"}}\n',
        ["2:28 bad-variable"],
        "never write the key",
    ),
    (HEAD + 'targets: {a: {subuser: "a\\r\\nb"}}\n', ["2:24 bad-value"], "one word"),
    (HEAD + "targets: {a: {subuser: é}}\n", ["2:24 bad-value"], "without accents"),
    (HEAD + "default_target: prod\n", ["2:17 unknown-target"], "did you mean `production`?"),
    (PAIR + "{p: {}}", ["3:14 missing-key"], "`after`"),
    (PAIR + "{p: {after: stagng}}", ["3:22 unknown-target"], "did you mean `staging`?"),
    (PAIR + "{p: {after: sandbox}}", ["3:22 unknown-target"], "the targets are p, staging"),
    (PAIR + "{prod: {after: p}}", ["3:11 unknown-target"], "the targets are p, staging"),
    (PAIR + "{p: {after: p}}", ["3:22 promote-circle"], "cannot come after itself"),
    (
        PAIR + "{p: {after: staging}, staging: {after: p}}",
        ["3:22 promote-circle"],
        "p after staging after p",
    ),
    (PAIR + "{p: {after: staging, allow: [12]}}", ["3:39 wrong-type"], "allow"),
    (HEAD + "targets: {a: }\ndefault_target: zzz\n", ["3:17 unknown-target"], "a, sandbox"),
    (HEAD + "groups: {shops: [production, prodction]}\n", ["2:30 unknown-target"], "did you mean"),
    (HEAD + "groups: {shops: [zzz]}\n", ["2:18 unknown-target"], "the targets are production"),
    (HEAD + "groups: {all: [shops], shops: [production]}\n", ["2:16 unknown-target"], "no other"),
    (HEAD + "groups: {shops: [sandbox]}\n", ["2:18 unknown-target"], "cannot be in a group"),
    (HEAD + "groups: {production: [production]}\n", ["2:10 reserved-target"], "another name"),
    (HEAD + "groups: {sandbox: [production]}\n", ["2:10 reserved-target"], "another name"),
    (HEAD + "groups: {shops: []}\n", ["2:17 empty-value"], "must not be empty"),
    (HEAD + "groups: {}\n", ["2:9 empty-value"], "must not be empty"),
    (HEAD + "groups: {shops: production}\n", ["2:17 wrong-type"], "[value]"),
    (HEAD + "groups: {shops: [production, production]}\n", ["2:30 repeated-item"], "remove it"),
    (HEAD + "groups: {'a b': [production]}\n", ["2:10 bad-target-name"], "invalid group name"),
    # What belongs into the environment alone.
    (HEAD + "api_key: x\n", ["2:1 unknown-key"], "never write a key in a file"),
    (HEAD + "targets: {a: {apiKey: x}}\n", ["2:15 unknown-key"], "never write a key in a file"),
    (HEAD + "targets: {a: {token: x}}\n", ["2:15 unknown-key"], "never write a key in a file"),
    (HEAD + "base_url: https://x\n", ["2:1 unknown-key"], "SEGCTL_BASE_URL"),
    (HEAD + "targets: {a: {base-url: x}}\n", ["2:15 unknown-key"], "SEGCTL_BASE_URL"),
    (HEAD + "targets: {a: {host: x}}\n", ["2:15 unknown-key"], "SEGCTL_BASE_URL"),
    (HEAD + "api_key_command: cat x\n", ["2:1 unknown-key"], "SEGCTL_API_KEY_COMMAND"),
    (HEAD + "targets: {a: {command: x}}\n", ["2:15 unknown-key"], "SEGCTL_API_KEY_COMMAND"),
    (HEAD + "targets: {a: {api_key_file: x}}\n", ["2:15 unknown-key"], "SENDGRID_API_KEY_FILE"),
]


@pytest.mark.parametrize(("text", "expected", "words"), WRONG)
def test_a_mistake_is_reported_at_its_place(
    tmp_path: Path, text: str | bytes, expected: list[str], words: str
) -> None:
    diagnostics = refused(tmp_path, text).diagnostics

    assert places(diagnostics) == expected
    assert words in f"{diagnostics[0].summary} {diagnostics[0].hint}"


def test_all_mistakes_are_reported_in_the_order_of_their_places(tmp_path: Path) -> None:
    text = "version: 2\ntime_zone: x\nsegments: ..\ndefault_target: b\ntargets: {a: 5, sandbox: }\n"

    error = refused(tmp_path, text)

    assert str(error) == "6 errors found"
    assert places(error.diagnostics) == [
        "1:10 bad-value",
        "2:12 unknown-time-zone",
        "3:11 bad-folder",
        "4:17 unknown-target",
        "5:14 wrong-type",
        "5:17 reserved-target",
    ]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + f"# {KEY}\n",
        HEAD + f"api_key: {KEY}\n",
        HEAD + f"{KEY}: x\nsegments: ..\n",
        HEAD + f"targets: {{a: {{api_key_env: {KEY}}}}}\n",
        HEAD + f"targets: {{{KEY}: }}\n",
        HEAD + f'segments: "{KEY[:20]}\\\n  {KEY[20:]}"\ntime_zone: x\n',
        HEAD + f'segments: "\\x53G{KEY[2:]}"\n',
        HEAD + f"segments: |\n  {KEY[:30]}\n  {KEY[30:]}\n",
        f"version: [{KEY}\n",
        f'version: "{KEY[:3]}\\\n  {KEY[3:]}": {KEY[3:]}: x\n',
        HEAD + "segments: SG.abcd\n",
    ],
)
def test_a_key_in_the_file_is_refused_and_masked(tmp_path: Path, text: str) -> None:
    diagnostics = refused(tmp_path, text).diagnostics

    assert "a" * 6 not in shown(diagnostics)
    assert "b" * 6 not in shown(diagnostics)
    if not diagnostics[0].code.startswith("yaml"):
        assert [d.code for d in diagnostics] == ["key-in-file"]


@pytest.mark.posix
def test_an_unreadable_file_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "segctl.yaml"
    path.mkdir()
    with pytest.raises(UsageError, match="not a file"):
        load_config(tmp_path)
    path.rmdir()
    for target in ("segctl.yaml", "/etc/passwd", ".git/config", "real.yaml"):
        path.symlink_to(target)
        with pytest.raises(UsageError, match="is a link, which is not followed"):
            load_config(tmp_path)
        path.unlink()
    path.write_text(HEAD)

    def refuse(path: Path, limit: int) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(config, "read_bounded", refuse)
    with pytest.raises(UsageError, match=r"cannot read segctl.yaml: Permission denied"):
        load_config(tmp_path)


def test_utc_needs_no_time_zone_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zoneinfo  # noqa: PLC0415

    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    assert load(tmp_path, HEAD + "time_zone: UTC\n").time_zone == "UTC"
    (finding,) = refused(tmp_path, HEAD + "time_zone: No/Where\n").diagnostics
    assert "tzdata" in finding.hint


# ---- targets


@pytest.mark.parametrize(
    ("option", "variable", "default", "chosen"),
    [
        ("eu", "prod", "prod", "eu"),
        (None, "eu", "prod", "eu"),
        (None, "", "eu", "eu"),
        (None, None, "prod", "prod"),
        ("sandbox", "prod", "prod", "sandbox"),
        (None, "sandbox", None, "sandbox"),
        (None, None, "sandbox", "sandbox"),
    ],
)
def test_the_most_specific_target_is_used(
    option: str | None, variable: str | None, default: str | None, chosen: str
) -> None:
    env = {} if variable is None else {"SEGCTL_TARGET": variable}

    target = choose_target(Config(Path(), default_target=default, targets=TARGETS), option, env)

    assert target.name == chosen
    assert target.is_sandbox == (chosen == "sandbox")


def test_a_group_is_chosen_where_several_targets_make_sense() -> None:
    groups = {"shops": ("prod", "eu")}
    config = Config(Path(), targets=TARGETS, groups=groups)

    assert find_group(config, "shops", {}) == ("shops", ("prod", "eu"))
    assert find_group(config, None, {"SEGCTL_TARGET": "shops"}) == ("shops", ("prod", "eu"))
    assert find_group(config, "prod", {"SEGCTL_TARGET": "shops"}) is None
    assert find_group(config, None, {}) is None
    assert find_group(config, None, {"SEGCTL_TARGET": "prod"}, every=True) == (
        "all targets",
        ("prod", "eu"),
    )
    with pytest.raises(UsageError, match="`shops` is a group") as caught:
        choose_target(config, "shops", {})
    assert "prod, eu" in caught.value.hint
    with pytest.raises(UsageError, match="contradicts"):
        find_group(config, "prod", {}, every=True)


def test_the_only_target_needs_no_default() -> None:
    only = Config(Path(), targets={"eu": TARGETS["eu"]})

    assert choose_target(only, None, {}) is TARGETS["eu"]


@pytest.mark.parametrize(
    ("option", "env", "message", "hint"),
    [
        (None, {}, "no target selected; the targets are prod, eu, sandbox", "--target"),
        ("", {}, "--target is empty", "remove the option"),
        ("prd", {}, "target `prd`", "did you mean `prod`?"),
        ("zzz", {}, "target `zzz`", "the targets are prod, eu, sandbox"),
        (None, {"SEGCTL_TARGET": "prd"}, "(from SEGCTL_TARGET)", "did you mean `prod`?"),
        (KEY, {}, "target `SG.***`", "the targets are"),
    ],
)
def test_an_unknown_or_ambiguous_target_is_reported(
    option: str | None, env: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        choose_target(Config(Path(), targets=TARGETS), option, env)
    assert message in caught.value.message
    assert hint in caught.value.hint


# ---- the host


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "https://api.eu.sendgrid.com"),
        ("https://proxy.example", "https://proxy.example"),
        ("https://proxy.example:8443/sendgrid/", "https://proxy.example:8443/sendgrid"),
        ("HTTPS://proxy.example/", "HTTPS://proxy.example"),
        ("http://127.0.0.1:8425", "http://127.0.0.1:8425"),
        ("http://127.1.2.3", "http://127.1.2.3"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://LOCALHOST/", "http://LOCALHOST"),
        ("http://[::1]:8425/", "http://[::1]:8425"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[0:0:0:0:0:0:0:1]"),
    ],
)
def test_the_base_url_follows_region_and_environment(url: str, expected: str) -> None:
    assert base_url(TARGETS["eu"], {"SEGCTL_BASE_URL": url}) == expected
    assert base_url(TARGETS["prod"], {}) == "https://api.sendgrid.com"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://api.sendgrid.com", "must use https"),
        ("http://10.0.0.1", "must use https"),
        ("http://127.0.0.1.evil.example", "must use https"),
        ("http://127.999.0.1", "must use https"),
        ("http://127.1", "must use https"),
        ("http://localhost.evil.example", "must use https"),
        ("http://[::ffff:127.0.0.1]", "must use https"),
        ("http://[::2]", "must use https"),
        ("http://0.0.0.0", "must use https"),
        ("https://user:pass@x.example", "must not contain a user"),
        ("https://@x.example", "must not contain a user"),
        ("http://evil.example@127.0.0.1", "must not contain a user"),
        ("https://x.example?a=b", "must not contain a user"),
        ("https://x.example/?", "must not contain a user"),
        ("https://x.example/#a", "must not contain a user"),
        ("https://x.example:99999", "not a valid URL"),
        ("https://x.example:port", "not a valid URL"),
        ("https://[::1", "not a valid URL"),
        ("https://", "not a valid URL"),
        ("127.0.0.1:8425", "not a valid URL"),
        ("localhost:8425", "not a valid URL"),
        ("ftp://127.0.0.1", "not a valid URL"),
        ("//127.0.0.1", "not a valid URL"),
        ("file:///etc/passwd", "not a valid URL"),
        ("http://127.0.0.1\\@evil.example", "not a valid URL"),
        ("http://127.0.0.1\n.evil.example", "not a valid URL"),
        (" https://x.example", "not a valid URL"),
        ("https://x.exämple", "not a valid URL"),
        (KEY, "not a valid URL"),
    ],
)
def test_an_unsafe_base_url_is_refused(url: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        base_url(TARGETS["prod"], {"SEGCTL_BASE_URL": url})
    assert message in caught.value.message
    assert caught.value.hint
    for secret in ("pass", KEY, KEY.lower()):
        assert secret not in caught.value.message.replace("a password", "")


def test_a_target_may_have_a_test_server_of_its_own() -> None:
    env = {
        "SEGCTL_BASE_URL": "https://proxy.example",
        "SEGCTL_BASE_URL_SHOP_EU": "http://127.0.0.1:8425/",
    }
    targets = ("shop-eu", "shop-us")

    assert base_url(Target("shop-eu"), env, targets) == "http://127.0.0.1:8425"
    assert base_url(Target("shop-us"), env, targets) == "https://proxy.example"
    assert base_url(Target("shop-eu"), {"SEGCTL_BASE_URL_SHOP_EU": ""}, targets) == (
        "https://api.sendgrid.com"
    )


@pytest.mark.parametrize(
    ("url", "targets", "message"),
    [
        # Which variable counts depends on a name that a pull request can choose.
        ("https://example.com", ("shop-eu",), "must be a server on this machine"),
        ("http://example.com", ("shop-eu",), "must use https"),
        ("http://127.0.0.1@example.com", ("shop-eu",), "must not contain a user"),
        ("nonsense", ("shop-eu",), "SEGCTL_BASE_URL_SHOP_EU is not a valid URL"),
        ("http://127.0.0.1", ("shop-eu", "shop_eu"), "of several targets: shop-eu, shop_eu"),
        ("http://127.0.0.1", ("Shop-EU", "shop-eu"), "of several targets: Shop-EU, shop-eu"),
    ],
)
def test_the_server_of_one_target_is_on_this_machine(
    url: str, targets: tuple[str, ...], message: str
) -> None:
    env = {"SEGCTL_BASE_URL_SHOP_EU": url, "SEGCTL_BASE_URL": "http://127.0.0.1:1"}
    with pytest.raises(UsageError) as caught:
        base_url(Target("shop-eu"), env, targets)
    assert message in str(caught.value)


def test_keys_stay_hidden_until_the_last_thread_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    first, second = keys_hidden(), keys_hidden()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert "SENDGRID_API_KEY" not in os.environ
    second.__exit__(None, None, None)
    assert os.environ["SENDGRID_API_KEY"] == KEY


def test_loopback_names_are_recognised() -> None:
    assert is_loopback("localhost")
    assert is_loopback("127.0.0.1")
    assert not is_loopback("::1%eth0")
    assert not is_loopback("")


# ---- the key


def command(code: str) -> str:
    return f"'{sys.executable}' -c '{code}'"


def no_key(env: dict[str, str], target: str = "prod") -> UsageError:
    with pytest.raises(UsageError) as caught:
        api_key(TARGETS[target], env)
    shown_text = f"{caught.value.message} {caught.value.hint} {caught.value!r}"
    for secret in ("a" * 6, "b" * 6, "hunter2"):
        assert secret not in shown_text
    return caught.value


def test_the_first_source_of_a_key_is_used(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"\n {KEY}f\n\n")
    env = {
        "SENDGRID_API_KEY": f" {KEY}v\n",
        "SENDGRID_API_KEY_FILE": str(file),
        "SEGCTL_API_KEY_COMMAND": f"echo {KEY}c",
    }

    assert api_key(TARGETS["prod"], env).reveal() == KEY + "v"
    assert api_key(TARGETS["eu"], {**env, "EU_SENDGRID_KEY": KEY}).reveal() == KEY
    env["SENDGRID_API_KEY"] = ""
    assert api_key(TARGETS["prod"], env).reveal() == KEY + "f"
    del env["SENDGRID_API_KEY_FILE"]
    assert api_key(TARGETS["prod"], env).reveal() == KEY + "c"


def test_a_missing_key_names_the_variable_and_the_sandbox() -> None:
    error = no_key({}, "eu")

    assert "`eu`" in error.message
    assert "EU_SENDGRID_KEY" in error.hint
    assert "segctl --target sandbox plan" in error.hint
    assert "EU_SENDGRID_KEY is empty" in no_key({"EU_SENDGRID_KEY": ""}, "eu").message


@pytest.mark.parametrize("key", [KEY + "\nb", "a a", KEY + "é", "   ", f'"{KEY}"', f"Bearer {KEY}"])
def test_an_invalid_key_is_refused_and_not_shown(key: str) -> None:
    message = no_key({"SENDGRID_API_KEY": key}).message
    assert "SENDGRID_API_KEY does not contain an API key" in message


def test_an_invalid_key_file_is_reported(tmp_path: Path) -> None:
    def error_of(path: str | Path) -> UsageError:
        return no_key({"SENDGRID_API_KEY_FILE": str(path)})

    large = tmp_path / "large"
    large.write_text("a" * 5000)
    empty = tmp_path / "empty"
    empty.write_text("")
    broken = tmp_path / "broken"
    broken.write_bytes(b"\xff" * 40)

    assert "No such file" in error_of(tmp_path / "gone").message
    assert "Is a directory" in error_of(tmp_path).message
    assert "larger than 4,096 bytes" in error_of(large).message
    assert "does not contain" in error_of(empty).message
    assert "does not contain" in error_of(broken).message
    assert "invalid path" in error_of("a\0b").message
    assert "not to the key itself" in error_of(KEY).hint


@pytest.mark.posix
def test_a_key_file_may_be_a_pipe() -> None:
    reading, writing = os.pipe()
    os.write(writing, KEY.encode())
    os.close(writing)
    try:
        key = api_key(TARGETS["prod"], {"SENDGRID_API_KEY_FILE": f"/dev/fd/{reading}"})
    finally:
        os.close(reading)

    assert key.reveal() == KEY


@pytest.mark.posix
def test_the_key_command_is_split_like_a_shell_but_run_without_one(tmp_path: Path) -> None:
    record = tmp_path / "a b"
    program = tmp_path / "get key"
    program.write_text(
        f'#!{sys.executable}\nimport sys\nopen({str(record)!r}, "w").write(repr(sys.argv[1:]))\n'
        f'print("{KEY}")\n'
    )
    program.chmod(0o755)
    line = f"'{program}' $(touch x) \"two words\" ; rm | tee $HOME `id` > out && a * ~"

    key = api_key(TARGETS["prod"], {"SEGCTL_API_KEY_COMMAND": line})

    assert key.reveal() == KEY
    words = ["$(touch", "x)", "two words", ";", "rm", "|", "tee", "$HOME", "`id`", ">", "out"]
    assert record.read_text() == repr([*words, "&&", "a", "*", "~"])


def test_the_key_command_gets_the_environment_and_no_input() -> None:
    code = 'import os, sys; print(os.environ["WHICH"] + sys.stdin.read())'

    key = api_key(TARGETS["prod"], {"SEGCTL_API_KEY_COMMAND": command(code), "WHICH": KEY})

    assert key.reveal() == KEY


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("'open", "invalid SEGCTL_API_KEY_COMMAND: no closing quotation"),
        ("   ", "is empty"),
        ("no-such-program --password hunter2", "(`no-such-program`): No such file"),
        ("TOKEN=hunter2 cat", "cannot run SEGCTL_API_KEY_COMMAND: No such file"),
        (KEY, "cannot run SEGCTL_API_KEY_COMMAND: No such file"),
        ("/ hunter2", "(`/`): Permission denied"),
        ("a\0b", "invalid command"),
        (command('print("hunter2 b"); raise SystemExit(3)'), "failed with exit code 3"),
        (command('print("hunter2 b")'), "does not contain an API key"),
        (command('import os; os.write(1, b"\\xff" * 9)'), "does not contain an API key"),
        (command("pass"), "does not contain an API key"),
    ],
)
def test_a_key_command_without_a_key_is_reported(
    line: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    error = no_key({"SEGCTL_API_KEY_COMMAND": line})

    assert message in error.message
    assert error.hint
    assert capfd.readouterr().out == ""


@pytest.mark.posix
def test_a_slow_key_command_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "COMMAND_TIMEOUT", 0.2)

    error = no_key({"SEGCTL_API_KEY_COMMAND": "sleep 30"})

    assert "(`sleep`) took longer than 0.2 s" in error.message


def test_no_target_gets_the_key_of_another(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY)
    shop = Target("shop", api_key_env="SHOP_SENDGRID_KEY")
    with pytest.raises(UsageError, match="no API key for the target `shop`") as caught:
        api_key(shop, {"SENDGRID_API_KEY_FILE": str(file)})
    assert "SHOP_SENDGRID_KEY_FILE" in caught.value.hint
    assert api_key(shop, {"SHOP_SENDGRID_KEY_FILE": str(file)}).reveal() == KEY


def test_the_key_command_gets_the_target() -> None:
    shop = Target("shop", api_key_env="SHOP_SENDGRID_KEY")
    command = f"{sys.executable} -c \"import os; print('key-of-' + os.environ['SEGCTL_TARGET'])\""
    key = api_key(shop, {"SEGCTL_API_KEY_COMMAND": command}, is_local=True)
    assert key.reveal() == "key-of-shop"


@pytest.mark.skipif(sys.platform != "linux", reason="each system has a folder of its own")
@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"SEGCTL_CACHE_DIR": "/c/own", "HOME": "/h"}, "/c/own"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/segctl"),
        ({"HOME": "/h"}, "/h/.cache/segctl"),
        ({}, None),
    ],
)
def test_the_cache_folder_follows_the_environment(env: dict[str, str], folder: str | None) -> None:
    assert cache_folder(env) == (Path(folder) if folder else None)


def test_the_digest_of_an_account_is_unique_and_hides_it() -> None:
    digests = {
        account_digest(url, subuser, Secret(key))
        for url in ("https://api.sendgrid.com", "https://api.eu.sendgrid.com")
        for subuser in (None, "shop")
        for key in ("SG.one", "SG.two")
    }
    assert len(digests) == 8
    assert all(len(digest) == 32 and int(digest, 16) >= 0 for digest in digests)
