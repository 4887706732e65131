"""What a person meets: who is refused, what is asked, what is shown and kept."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING

import pytest

from segctl.common.stopping import Stop
from segctl.emulator import Assumption
from segctl.probing.account import GuardedTransport
from segctl.probing.run import ABOUT_MINUTES, ABOUT_REQUESTS, SEGMENTS_CREATED
from tests.faults.harness import Run
from tests.support.account import KEY

from .world import CONFIG, PREFIX, TARGET, ProbeWorld, probe_world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIRMED = ("--confirm", TARGET)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ProbeWorld]:
    with probe_world(tmp_path) as world:
        yield world


class Terminal(io.StringIO):
    """A terminal on which someone types a line."""

    def isatty(self) -> bool:
        return True


def writes(run: Run) -> list[str]:
    return run.writes


def test_a_target_that_is_not_named_is_refused(world: ProbeWorld) -> None:
    run = world.run(world.root, "probe", *CONFIRMED)
    assert (run.code, run.requests) == (3, [])
    assert "its account must be named" in run.err
    named = world.run(world.root, "probe", *CONFIRMED, env={"SEGCTL_TARGET": TARGET})
    assert (named.code, named.requests) == (3, [])


def test_the_sandbox_is_refused(world: ProbeWorld) -> None:
    run = world.run(world.root, "--target", "sandbox", "probe", "--confirm", "sandbox")
    assert run.code == 1
    assert "the sandbox is not SendGrid" in run.err


@pytest.mark.parametrize("argv", [(), ("--confirm", "production"), ("--confirm", "")])
def test_without_a_second_yes_nothing_is_written(
    world: ProbeWorld, argv: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{TARGET}\n"))
    run = world.probe(*argv, "--format", "text")
    assert (run.code, run.writes) == (3, [])
    assert "nothing was changed" in run.err
    assert "creates 22 segments" in run.err


@pytest.mark.parametrize(("typed", "code"), [(TARGET, 0), ("yes", 1), ("", 1)])
def test_the_name_must_be_typed(
    world: ProbeWorld, typed: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{typed}\n"))
    run = world.probe("--format", "text")
    assert (run.code, bool(run.writes)) == (code, code == 0)


def test_an_account_with_segments_is_refused_unless_allowed(tmp_path: Path) -> None:
    with probe_world(tmp_path, used=True) as world:
        run = world.probe(*CONFIRMED)
        assert (run.code, run.writes) == (3, [])
        assert "the account is in use: it has segments (3); nothing was changed" in run.err
        assert world.probe(*CONFIRMED, "--allow-in-use").code == 0
        assert world.others() == world.before


def test_single_sends_and_contacts_say_that_an_account_is_in_use(world: ProbeWorld) -> None:
    world.emulator.console.add_single_send("Newsletter")
    world.emulator.console.add_list("Customers", contact_count=7)
    run = world.probe(*CONFIRMED)
    assert (run.code, run.writes) == (3, [])
    assert "Single Sends (1) and lists with contacts" in run.err


def test_an_account_without_room_is_refused_in_any_case(world: ProbeWorld) -> None:
    for number in range(190):
        world.emulator.console.create(f"S{number}", "SELECT contact_id, updated_at FROM x")
    run = world.probe(*CONFIRMED, "--allow-in-use")
    assert (run.code, run.writes) == (3, [])
    assert "190 segments" in run.err


@pytest.mark.parametrize("stop_at", [6, 12, 20, 40, 50])
def test_after_ctrl_c_the_segments_are_deleted_and_the_rest_is_not_learnt(
    world: ProbeWorld, stop_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops: list[Stop] = []
    create = Stop.__init__

    def noted(stop: Stop) -> None:
        create(stop)
        stops.append(stop)

    monkeypatch.setattr(Stop, "__init__", noted)

    def interrupt() -> None:
        for stop in stops:
            stop.request()

    run = Run(before={stop_at: interrupt})
    world.probe(*CONFIRMED, "--format", "json", run=run)
    assert run.code == 130
    seen = [item["seen"] for item in json.loads(run.out)["assumptions"]]
    assert "interrupted" in seen
    assert world.left() == set()


def test_after_a_kill_the_next_probe_deletes_what_is_left(world: ProbeWorld) -> None:
    for run in (Run(kill=9, kill_after=True), Run(kill=3), Run(kill=5, kill_after=True)):
        world.probe(*CONFIRMED, run=run)
        assert run.dead
    assert world.left()
    world.clock.forward(900)
    run = world.probe(*CONFIRMED)
    assert run.code == 0, run.err
    assert "that an earlier probe left" in " ".join(run.err.split())
    assert world.left() == set()


def test_a_segment_that_was_renamed_since_is_left_alone(world: ProbeWorld) -> None:
    world.probe(*CONFIRMED, run=Run(kill=2, kill_after=True))
    (segment,) = [item for item in world.segments() if item.name.endswith("-first")]
    world.emulator.console.edit(segment.id, name="Kept by hand")
    run = world.probe("--clean-up")
    assert run.code == 0, run.err
    assert "renamed since: it is left alone" in run.err
    assert [item.name for item in world.segments()] == ["Kept by hand"]
    assert world.probe("--clean-up").out == "Nothing to remove.\n"


def test_what_cannot_be_deleted_is_named_with_the_command(world: ProbeWorld) -> None:
    world.emulator.faults.add("DELETE * 500 always")
    run = world.probe(*CONFIRMED)
    assert run.code == 4
    assert f" --target {TARGET} probe --clean-up` to delete them." in run.err
    for segment in world.segments():
        assert segment.id in run.err
    world.emulator.faults.clear()
    assert world.probe("--clean-up").out == "22 segments of earlier probes removed.\n"
    assert world.left() == set()


def test_a_name_like_those_of_probes_is_no_reason_to_delete(tmp_path: Path) -> None:
    with probe_world(tmp_path, used=True) as world:
        assert world.probe("--clean-up").code == 0
        assert world.probe(*CONFIRMED, "--allow-in-use").code == 0
        assert world.others() == world.before


def test_a_damaged_record_stops_a_probe(world: ProbeWorld, tmp_path: Path) -> None:
    world.probe(*CONFIRMED, run=Run(kill=2, kill_after=True))
    cache = tmp_path.parent / world.env["SEGCTL_CACHE_DIR"]
    (file,) = cache.glob("probe-*.json")
    file.write_text("{", "utf-8")
    run = world.probe(*CONFIRMED)
    assert (run.code, run.writes) == (1, [])
    assert "cannot read the record of earlier probes" in run.err


class Sent:
    """A transport that notes what it would send."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []

    def send(self, method: str, url: str, **_: object) -> None:
        self.requests.append((method, url))


class Record:
    """A record with one segment and one announced name."""

    ids = frozenset({"0e0e0e0e-0000-4000-8000-000000000001"})

    def expects(self, name: object) -> bool:
        return name == f"{PREFIX}announced"


SEGMENTS = "/v3/marketing/segments/2.0"
OWN = f"{SEGMENTS}/0e0e0e0e-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("DELETE", f"{SEGMENTS}/0e0e0e0e-0000-4000-8000-000000000002", None),
        ("DELETE", SEGMENTS, None),
        ("DELETE", "/v3/marketing/segments/0e0e0e0e-0000-4000-8000-000000000001", None),
        ("DELETE", f"{OWN}/../0e0e0e0e-0000-4000-8000-000000000002", None),
        ("PATCH", f"{OWN}/", {"name": "x"}),
        ("PUT", OWN, {"name": "x"}),
        ("POST", OWN, {"name": f"{PREFIX}announced"}),
        ("POST", SEGMENTS, {"name": f"{PREFIX}of-mine"}),
        ("POST", "/v3/marketing/lists", {"name": f"{PREFIX}announced"}),
        ("POST", f"{SEGMENTS}/refresh/0e0e0e0e-0000-4000-8000-000000000001", {"name": "x"}),
    ],
)
def test_the_guard_refuses_every_write_to_what_no_probe_created(
    method: str, url: str, body: object
) -> None:
    sent = Sent()
    guarded = GuardedTransport(sent, Record())  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="did not create"):
        guarded.send(method, url, operation="test", body=body)
    assert sent.requests == []


def test_the_guard_lets_the_own_segments_pass() -> None:
    sent = Sent()
    guarded = GuardedTransport(sent, Record())  # type: ignore[arg-type]
    guarded.send("POST", SEGMENTS, operation="test", body={"name": f"{PREFIX}announced"})
    guarded.send("PATCH", OWN, operation="test", body={"name": "x"})
    guarded.send("DELETE", OWN, operation="test")
    guarded.send("GET", "/v3/anything", operation="test")
    assert len(sent.requests) == 4


def test_an_answer_with_the_id_of_another_segment_is_not_believed(tmp_path: Path) -> None:
    with probe_world(tmp_path, used=True) as world:
        handle = world.emulator.handle
        foreign = world.before[0].id

        def lying(method: str, target: str, headers: object, body: bytes = b"") -> object:
            reply = handle(method, target, headers, body)  # type: ignore[arg-type]
            if method == "POST":
                own = reply.json()["id"]
                object.__setattr__(
                    reply, "body", reply.body.replace(own.encode(), foreign.encode())
                )
            return reply

        world.emulator.handle = lying  # type: ignore[assignment, method-assign]
        world.probe()
        assert world.others() == world.before
        assert world.left() == set()


def test_findings_have_neither_key_nor_account(world: ProbeWorld) -> None:
    for format_name in ("text", "json", "markdown"):
        run = world.probe(*CONFIRMED, "--format", format_name)
        assert run.code == 0
        assert KEY[5:20] not in run.out + run.err
        for private in (TARGET, "api.sendgrid.com", "0e0e0e0e", PREFIX):
            assert private not in run.out.replace("api.eu.sendgrid.com", ""), private


def test_no_request_asks_for_contacts(world: ProbeWorld) -> None:
    run = world.probe(*CONFIRMED)
    reads = [request for request in run.requests if request.startswith("GET")]
    single = [request for request in reads if "/segments/2.0/" in request]
    assert single
    assert all("contacts_sample=false" in request for request in single)
    assert not any("/contacts" in request for request in run.requests)


def test_the_european_host_never_gets_the_key(world: ProbeWorld) -> None:
    seen: list[tuple[str, str]] = []
    serve = world.serve

    def noted(request: object) -> object:
        seen.append((request.url.host, request.headers["Authorization"]))  # type: ignore[attr-defined]
        return serve(request)  # type: ignore[arg-type]

    world.serve = noted  # type: ignore[assignment, method-assign]
    assert world.probe(*CONFIRMED).code == 0
    european = [sent for host, sent in seen if host == "api.eu.sendgrid.com"]
    assert european
    assert all(KEY not in sent for sent in european)


def test_findings_are_kept_in_segctl_yaml_beside_its_comments(world: ProbeWorld) -> None:
    file = world.root / "segctl.yaml"
    file.write_text(f"# ours\n{CONFIG}# the end\n", "utf-8")
    run = world.probe(*CONFIRMED, "--write")
    assert run.code == 0, run.err
    text = file.read_text("utf-8")
    assert text.startswith(f"# ours\n{CONFIG}")
    assert "# the end" in text
    assert '  date: "2026-07-15"\n  group_by: refused\n' in text
    assert "  update_lock: 300\n" in text
    assert "    LOWER: accepted\n" in text
    (world.root / "segments").mkdir()
    assert world.run(world.root, "validate").code == 0
    again = world.probe(*CONFIRMED, "--write")
    assert again.code == 0, again.err
    assert file.read_text("utf-8").count("observed:") == 1


def test_without_write_the_lines_are_printed(world: ProbeWorld) -> None:
    run = world.probe(*CONFIRMED, "--format", "text")
    assert "\nobserved:\n  date: " in run.out
    assert (world.root / "segctl.yaml").read_text("utf-8") == CONFIG
    assert all(len(line) <= 80 for line in run.out.splitlines())


def test_what_is_announced_is_about_what_happens(world: ProbeWorld) -> None:
    began = world.clock.moment
    run = world.probe(*CONFIRMED)
    minutes = (world.clock.moment - began) / 60
    created = sum(request.startswith("POST") for request in run.requests)
    assert created == SEGMENTS_CREATED
    assert abs(len(run.requests) - ABOUT_REQUESTS) < 20
    assert abs(minutes - ABOUT_MINUTES) < 1.5


def test_a_second_ctrl_c_ends_the_clean_up_and_names_what_is_left(
    world: ProbeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops: list[Stop] = []
    create = Stop.__init__

    def noted(stop: Stop) -> None:
        create(stop)
        stops.append(stop)

    def interrupt_twice() -> None:
        for stop in stops:
            stop.request(force=True)

    monkeypatch.setattr(Stop, "__init__", noted)
    run = world.probe(*CONFIRMED, "--format", "json", run=Run(before={20: interrupt_twice}))
    assert run.code == 130
    named = {entry["name"] for entry in json.loads(run.out)["left"]}
    assert world.left() <= named
    assert "probe --clean-up` to delete them" in run.err
    assert world.probe("--clean-up").code == 0
    assert world.left() == set()


def test_two_probes_of_an_account_do_not_run_at_once(world: ProbeWorld) -> None:
    codes = []

    def second() -> None:
        other = Run(key=KEY)
        codes.append((world.probe(*CONFIRMED, run=other).code, other.err))

    outer = Run(before={10: second})
    world.probe(*CONFIRMED, run=outer)
    assert [code for code, _ in codes] == [1]
    assert "another probe of this account is running" in codes[0][1]


def test_a_slow_validation_is_reported_with_its_time(tmp_path: Path) -> None:
    with probe_world(tmp_path, validation_delay=40.0) as world:
        run = world.probe(*CONFIRMED, "--format", "json")
        differing = {
            item["id"]: item["seen"]
            for item in json.loads(run.out)["assumptions"]
            if item["verdict"] != "as_assumed"
        }
        assert [*differing] == ["invalid-query"]
        assert "INVALID after 40 s" in differing["invalid-query"]


def test_a_key_that_can_only_read_is_an_error(tmp_path: Path) -> None:
    read_only = KEY[:-1] + "d"
    with probe_world(tmp_path, read_only_keys=frozenset({read_only})) as world:
        run = world.probe(*CONFIRMED, run=Run(key=read_only))
        assert run.code == 1
        assert "the API key may not create segments" in run.err
        assert len(run.writes) == 1
        assert world.probe("--clean-up").out == "Nothing to remove.\n"


def test_a_clean_up_waits_for_a_segment_that_the_list_does_not_have_yet(tmp_path: Path) -> None:
    with probe_world(tmp_path, Assumption.LIST_AFTER_CREATE) as world:
        world.probe(*CONFIRMED, run=Run(kill=1, kill_after=True))
        assert world.left()
        assert world.probe("--clean-up").code == 0
        assert world.left() == set()


def test_a_server_that_dies_ends_a_probe_soon(world: ProbeWorld) -> None:
    world.emulator.faults.add("* * refuse #40 always")
    run = world.probe(*CONFIRMED, "--format", "json")
    assert run.code == 4
    assert json.loads(run.out)["stopped"] == "SendGrid stopped answering"
    assert len(json.loads(run.out)["left"]) == 22
    # Nine requests, each tried five times.
    assert len(run.requests) < 40 + 50
    world.emulator.faults.clear()
    assert world.probe("--clean-up").code == 0
    assert world.left() == set()
