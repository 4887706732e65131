"""World files: the accounts that `segctl emulator --world` serves, read from YAML.

Reports everything that is wrong with a file at its place. Does not serve it: `emulator_server`
does.
"""

from __future__ import annotations

from collections import Counter
from math import isfinite
from typing import TYPE_CHECKING, Any

from segctl.common.files import read_bounded
from segctl.common.suggest import did_you_mean
from segctl.common.timestamps import parse_time_as_utc
from segctl.documents.data_files import read_data_file
from segctl.documents.document import MAX_BYTES, UnquotedDate, quote_value
from segctl.emulator.catalogue import field_name_problem
from segctl.emulator.contacts import Event, check_value
from segctl.emulator.settings import AccountPlan
from segctl.emulator.world import (
    World,
    WorldAccount,
    WorldAutomation,
    WorldContact,
    WorldList,
    WorldSegment,
    WorldSingleSend,
    derived_id,
)
from segctl.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.documents.document import Document, Path
    from segctl.errors import Diagnostic


def load_world(name: str) -> World:
    """Return the world in a file.

    Raises `UsageError` if it cannot be read, and `InvalidInput` with everything wrong in it.
    """
    try:
        data = read_bounded(name, MAX_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "invalid file name"
        raise UsageError(f"cannot read {name}: {reason}") from None
    world, diagnostics = read_world(name, data)
    if world is None:
        raise InvalidInput(diagnostics)
    return world


def read_world(file: str, data: bytes) -> tuple[World | None, list[Diagnostic]]:
    """Return the world in the bytes of a file, or `None` and everything that is wrong."""
    hint = "add lists, segments or contacts"
    document, is_valid = read_data_file(file, data, "world", empty_hint=hint)
    if not is_valid:
        return None, document.diagnostics
    value: dict[str, Any] = document.value
    accounts = {"": _Reader(document, "", (), value).account()}
    for name, part in value.get("subusers", {}).items():
        if not name.strip():
            document.report(
                "empty-value",
                "the name of a subuser must not be empty",
                path=("subusers", name),
                key=True,
                hint="write the subuser's login in SendGrid",
            )
        accounts[name] = _Reader(document, name, ("subusers", name), part).account()
    _check_keys(document, value)
    return (None if document.diagnostics else World(accounts)), document.diagnostics


def _check_keys(document: Document, value: Mapping[str, Any]) -> None:
    """Report a key that two accounts have, or that can both read and write."""
    owners: set[str] = set()
    parts: list[tuple[Path, Mapping[str, Any]]] = [((), value)]
    parts += [(("subusers", name), part) for name, part in value.get("subusers", {}).items()]
    for path, part in parts:
        for group in ("keys", "read_only_keys"):
            for number, key in enumerate(part.get(group, ())):
                if key in owners:
                    document.report(
                        "duplicate-key",
                        f"duplicate API key {quote_value(key)}",
                        path=(*path, group, number),
                        hint="use each key once",
                    )
                owners.add(key)


class _Reader:
    """One account of a world file. `path` is where it is in the document."""

    def __init__(
        self, document: Document, account: str, path: Path, value: Mapping[str, Any]
    ) -> None:
        self._document = document
        self._account = account
        self._path = path
        self._value = value
        self._fields: Mapping[str, str] = value.get("custom_fields", {})
        # An id, or None where several have the name.
        self._lists: dict[str, str | None] = {}
        self._segments: dict[str, str | None] = {}

    def account(self) -> WorldAccount:
        """Return the account, as far as it is valid."""
        self._check_custom_fields()
        lists = tuple(
            WorldList(list_id, item["name"], item.get("contact_count", 0))
            for _, item, list_id in self._identified("lists", "list")
        )
        self._lists = _by_name((item.name, item.id) for item in lists)
        segments = tuple(self._read_segments())
        self._segments = _by_name((item.name, item.id) for item in segments if item.name)
        return WorldAccount(
            keys=frozenset(self._value.get("keys", ())),
            read_only_keys=frozenset(self._value.get("read_only_keys", ())),
            plan=AccountPlan(self._value.get("plan", AccountPlan.ADVANCED)),
            lists=lists,
            custom_fields=self._fields,
            segments=segments,
            contacts=tuple(self._read_contacts()),
            single_sends=tuple(self._read_single_sends()),
            automations=tuple(self._read_automations()),
        )

    def _report(self, code: str, summary: str, path: Path, hint: str = "") -> None:
        self._document.report(code, summary, path=(*self._path, *path), hint=hint)

    def _items(self, key: str) -> Iterable[tuple[int, Mapping[str, Any]]]:
        return enumerate(self._value.get(key, ()))

    def _identified(self, key: str, kind: str) -> Iterable[tuple[Path, Mapping[str, Any], str]]:
        """Yield the items under a key, each with its path and its id; report ids used twice."""
        ids: set[str] = set()
        names: Counter[str] = Counter()
        for number, item in self._items(key):
            name = item.get("name", "")
            # Items of the same name have different ids, that of the first one being the usual one.
            nth = f"{name}\0{names[name]}" if names[name] else name
            names[name] += 1
            item_id = item.get("id") or derived_id(self._account, kind, nth)
            if item_id in ids:
                summary = f"duplicate id {quote_value(item_id)}"
                self._report("duplicate-id", summary, (key, number, "id"), "use each id once")
            ids.add(item_id)
            yield (key, number), item, item_id

    def _read_segments(self) -> Iterable[WorldSegment]:
        names: set[str] = set()
        for path, item, segment_id in self._identified("segments", "segment"):
            name = item.get("name", "")
            is_v1 = item.get("v1", False)
            if not name and not is_v1:
                hint = "add `name: …`, or `v1: true`"
                self._report("missing-key", "missing key `name`", path, hint)
            if name and name in names:
                summary = f"duplicate segment {quote_value(name)}"
                hint = "rename one: names are unique in an account"
                self._report("duplicate-name", summary, (*path, "name"), hint)
            names.add(name)
            parent = item.get("parent_list")
            yield WorldSegment(
                segment_id,
                name,
                item["query_dsl"],
                None if parent is None else self._list_id(parent, (*path, "parent_list")),
                item.get("contacts_count"),
                is_v1,
            )

    def _read_contacts(self) -> Iterable[WorldContact]:
        addresses: set[str] = set()
        for number, item in self._items("contacts"):
            path = ("contacts", number)
            address = item["email"].lower()
            if address in addresses:
                hint = "remove one: addresses are unique in an account"
                self._report("duplicate-contact", "duplicate contact", (*path, "email"), hint)
            addresses.add(address)
            for name, value in item.get("fields", {}).items():
                self._check_field(name, value, (*path, "fields", name))
            contact_id = derived_id(self._account, "contact", address)
            yield WorldContact(
                contact_id,
                address,
                item.get("fields", {}),
                self._list_ids(item, path),
                self._time(item, "created_at", path),
                tuple(self._read_events(item, contact_id, path)),
            )

    def _read_events(
        self, contact: Mapping[str, Any], contact_id: str, path: Path
    ) -> Iterable[Event]:
        for number, item in enumerate(contact.get("events", ())):
            place = (*path, "events", number)
            at = self._time(item, "timestamp", place)
            self._check_data(item.get("data", {}), (*place, "data"))
            yield Event(
                contact_id,
                item["event_type"],
                at or 0.0,
                item.get("event_source", "mail"),
                item.get("data", {}),
            )

    def _read_single_sends(self) -> Iterable[WorldSingleSend]:
        for path, item, send_id in self._identified("single_sends", "single send"):
            yield WorldSingleSend(
                send_id,
                item["name"],
                item.get("status", "draft"),
                self._ids(item, "segments", self._segments, "segment", path),
                self._list_ids(item, path),
                self._time(item, "send_at", path),
            )

    def _read_automations(self) -> Iterable[WorldAutomation]:
        for path, item, automation_id in self._identified("automations", "automation"):
            segment = item.get("segment")
            yield WorldAutomation(
                automation_id,
                item["name"],
                item.get("status", "live"),
                None
                if segment is None
                else self._id(segment, self._segments, "segment", (*path, "segment")),
            )

    def _check_custom_fields(self) -> None:
        others: list[str] = []
        for name in self._fields:
            problem = field_name_problem(name, others)
            if problem is not None:
                summary = f"invalid custom field {quote_value(name)}: {problem}"
                hint = "rename it, or remove it"
                path = (*self._path, "custom_fields", name)
                self._document.report("bad-field", summary, path=path, key=True, hint=hint)
            others.append(name)

    def _check_data(self, value: Any, path: Path) -> None:
        """Report what JSON, and so the data of an event, cannot hold."""
        if isinstance(value, dict | list):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                self._check_data(item, (*path, key))
        elif isinstance(value, UnquotedDate):
            self._report(
                "wrong-type", "a date in `data` must be a string", path, "put it in quotes"
            )
        elif isinstance(value, float) and not isfinite(value):
            self._report(
                "wrong-type", "a number in `data` must be finite", path, "put it in quotes"
            )

    def _check_field(self, name: str, value: Any, path: Path) -> None:
        try:
            check_value(name, value, self._fields)
        except LookupError:
            hint = did_you_mean(name, self._fields, "add it to `custom_fields`")
            self._report("unknown-field", f"unknown field {quote_value(name)}", path, hint)
        except ValueError:
            kind = self._fields.get(name, "Text")
            hint = _FIELD_HINTS.get(kind, "put it in quotes")
            summary = f"{quote_value(name)} has an invalid value for its type, {kind}"
            self._report("wrong-type", summary, path, hint)

    def _time(self, item: Mapping[str, Any], key: str, path: Path) -> float | None:
        if key not in item:
            return None
        time = parse_time_as_utc(item[key])
        if time is None:
            summary = f"`{key}` must be a time, got {quote_value(item[key])}"
            hint = "write an ISO 8601 time: '2026-01-31T00:00:00Z'"
            self._report("bad-time", summary, (*path, key), hint)
            return None
        return time.timestamp()

    def _list_ids(self, item: Mapping[str, Any], path: Path) -> tuple[str, ...]:
        return self._ids(item, "lists", self._lists, "list", path)

    def _list_id(self, name: str, path: Path) -> str:
        return self._id(name, self._lists, "list", path)

    def _ids(
        self,
        item: Mapping[str, Any],
        key: str,
        known: Mapping[str, str | None],
        kind: str,
        path: Path,
    ) -> tuple[str, ...]:
        names: Sequence[str] = item.get(key, ())
        return tuple(
            self._id(name, known, kind, (*path, key, number)) for number, name in enumerate(names)
        )

    def _id(self, name: str, known: Mapping[str, str | None], kind: str, path: Path) -> str:
        if name not in known:
            hint = did_you_mean(name, known, f"add it to `{kind}s` of the same account")
            self._report(f"unknown-{kind}", f"{kind} {quote_value(name)} not found", path, hint)
            return ""
        item_id = known[name]
        if item_id is None:
            summary = f"several {kind}s are named {quote_value(name)}"
            self._report(f"ambiguous-{kind}", summary, path, "rename all but one")
        return item_id or ""


_FIELD_HINTS = {
    "Number": "write a number of at most 15 digits, without quotes",
    "Date": "write an ISO 8601 time with a zone: '2026-01-31T00:00:00Z'",
}


def _by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    names: dict[str, str | None] = {}
    for name, item_id in pairs:
        names[name] = None if name in names else item_id
    return names
