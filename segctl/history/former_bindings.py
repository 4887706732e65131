"""What names in segment files stood for after a commit, by the files of the same commit.

Those are segctl.yaml, the account's file, conditions.yaml and instances.yaml. A broken segctl.yaml
changes nothing until it is repaired. Runs no git, and decides nothing about segments (`timeline`).
"""

from __future__ import annotations

import bisect
import dataclasses
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from segctl.declarations.account_file import read_account
from segctl.declarations.account_names import AccountNames
from segctl.declarations.bindings import Bindings
from segctl.declarations.conditions_file import Condition, read_conditions
from segctl.declarations.instances_file import read_instance_sets
from segctl.declarations.segment_file import read_file
from segctl.documents.schema import SETTINGS_FILE
from segctl.documents.yaml_reader import parse_document
from segctl.model.accounts import read_accounts
from segctl.model.contact_fields import ACCOUNTS, account_path
from segctl.model.values import CONDITIONS_FILE, INSTANCES_FILE, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.declarations.segment_file import Declaration
    from segctl.history.commits import Commit, FileChange
    from segctl.model.accounts import Account
    from segctl.model.values import Value

BlobTimeline: TypeAlias = "list[tuple[int, str | None]]"
"""A file over time: from this commit on, it has this blob, `None` where it is deleted."""

_UNKNOWN = "?"
"""The name of a target that no settings and no file can name."""


@dataclass(frozen=True, slots=True)
class FormerSettings:
    """What segctl.yaml said of values and targets. `target` is the name that the target had.

    `accounts` are those of all targets by name.
    """

    target: str
    accounts: Mapping[str, Account]
    values: Mapping[str, Value] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class SettingsReader:
    """Reads the settings of a target, which is the one of the same account, whatever its name.

    `target` is its name today, `None` or empty for none: then a file is for it whatever its
    targets. Without an `account`, it always had that name. Equal settings are the same object.
    """

    def __init__(self, target: str | None, account: Account | None = None) -> None:
        self._target = target
        self._account = account
        self._read: dict[bytes, FormerSettings | None] = {}
        self._equal: dict[str, FormerSettings] = {}
        self._texts: dict[tuple[int, bytes | None], Bindings] = {}

    @property
    def has_target(self) -> bool:
        """Whether there is a target, so that names can stand for something."""
        return self._target is not None

    def read(self, data: bytes | None) -> FormerSettings | None:
        """Return what the bytes of a segctl.yaml say, or what goes without one (`None`).

        `None` where it is broken.
        """
        data = data or b"{}"
        if data not in self._read:
            value = parse_document(SETTINGS_FILE, data.decode("utf-8", "replace")).value
            self._read[data] = self._settings(value) if isinstance(value, dict) else None
        return self._read[data]

    def read_change(self, change: FileChange, blobs: Mapping[str, bytes]) -> FormerSettings | None:
        """Return the settings that a commit wrote, `None` for broken ones; a link is not read."""
        if change.blob is None:
            return self.default
        return self.read(blobs[change.blob]) if change.blob else None

    @cached_property
    def default(self) -> FormerSettings:
        """The settings without a segctl.yaml."""
        settings = self.read(None)
        assert settings is not None  # noqa: S101 - an empty file is not broken
        return settings

    def texts(self, settings: FormerSettings, file: str, instances: bytes | None) -> Bindings:
        """Return what names in texts stood for, with the bytes of instances.yaml, which is `file`.

        Equal bindings are the same object.
        """
        key = id(settings), instances
        if key not in self._texts:
            self._texts[key] = Bindings(
                values=settings.values,
                sets={} if instances is None else read_instance_sets(file, instances)[0],
                target=settings.target,
                targets=settings.accounts,
                groups=settings.groups,
                texts_only=True,
            )
        return self._texts[key]

    def _settings(self, value: dict[str, Any]) -> FormerSettings | None:
        accounts = read_accounts(value)
        groups = value.get("groups") or {}
        if accounts is None or not isinstance(groups, dict):
            return None
        target = self._target_among(accounts)
        members = {
            str(group): tuple(map(str, names))
            for group, names in groups.items()
            if isinstance(names, list)
        }
        settings = FormerSettings(target, accounts, values_of(value, target), members)
        # Unlike the settings, their texts differ between 1 and true.
        return self._equal.setdefault(repr(settings), settings)

    def _target_among(self, accounts: Mapping[str, Account]) -> str:
        target = self._target or ""
        if not target or self._account is None or accounts.get(target) == self._account:
            return target
        same = [name for name, account in accounts.items() if account == self._account]
        # Where two may be meant, a file that names targets is for neither.
        return same[0] if len(same) == 1 else _UNKNOWN


class FormerBindings:
    """The bindings after each of some commits, each with its predecessors before it.

    `files` has the blobs of all files of the folder over time, by path, and `blobs` the contents.
    """

    def __init__(
        self,
        commits: Sequence[Commit],
        files: Mapping[str, BlobTimeline],
        blobs: Mapping[str, bytes],
        folder: str,
        reader: SettingsReader,
    ) -> None:
        self._files = files
        self._blobs = blobs
        self._folder = folder
        self._conditions = f"{folder}/{CONDITIONS_FILE}"
        self._instances = f"{folder}/{INSTANCES_FILE}"
        self._accounts = f"{folder}/{ACCOUNTS}/"
        self._reader = reader
        self.settings: list[tuple[int, FormerSettings]] = [(-1, reader.default)]
        self.settings_blobs: BlobTimeline = []
        for index, commit in enumerate(commits):
            for change in commit.settings:
                settings = reader.read_change(change, blobs)
                if settings is not None:
                    self.settings_blobs.append((index, change.blob))
                if settings is not None and settings is not self.settings[-1][1]:
                    self.settings.append((index, settings))
        self._bindings: dict[tuple[int, tuple[str, ...]], Bindings] = {}

    def is_source(self, path: str) -> bool:
        """Return whether a file says what names stand for, and declares no segment."""
        return path in {self._conditions, self._instances} or path.startswith(self._accounts)

    @cached_property
    def indexes(self) -> frozenset[int]:
        """The commits after which names may stand for something else."""
        paths = [self._conditions, self._instances]
        paths += {account_path(self._folder, settings.target) for _, settings in self.settings}
        indexes = frozenset(index for path in paths for index, _ in self._files.get(path, ()))
        return indexes | {index for index, _ in self.settings if index >= 0}

    def settings_at(self, index: int) -> FormerSettings:
        """Return the settings after a commit."""
        position = bisect.bisect_right(self.settings, index, key=lambda entry: entry[0]) - 1
        return self.settings[position][1]

    def texts_at(self, index: int, settings: FormerSettings) -> Bindings:
        """Return what names in texts stood for after a commit, with these settings.

        Equal bindings are the same object.
        """
        blob = blob_at(self._files.get(self._instances, []), index)
        instances = self._blobs[blob] if blob else None
        return self._reader.texts(settings, self._instances, instances)

    def at(self, index: int, settings: FormerSettings) -> Bindings:
        """Return the same with what names in queries and parent lists stood for."""
        texts = self.texts_at(index, settings)
        path = account_path(self._folder, settings.target) if settings.target else ""
        paths = (path, self._conditions)
        blobs = tuple(blob_at(self._files.get(path, []), index) or "" for path in paths)
        key = id(texts), blobs
        if key not in self._bindings:
            account, conditions = (self._blobs[blob] if blob else None for blob in blobs)
            known = None if account is None else read_account(path, account)[0]
            named: Mapping[str, Condition] = {}
            if conditions is not None:
                named = read_conditions(self._conditions, conditions, settings.values).sound
            self._bindings[key] = dataclasses.replace(
                texts, account=AccountNames(path, known), conditions=named, texts_only=False
            )
        return self._bindings[key]


def read_texts(
    path: str, data: bytes, folder: str, bindings: Bindings | None = None
) -> tuple[Declaration, ...] | None:
    """Return what a version of a file declares, whatever its queries are; `None` for a broken one.

    `bindings` are as for `read_file`.
    """
    return read_file(path, data, _AnyQuery(), folder, bindings)[0]


class _AnyQuery(dict[str, bytes]):
    """Queries of any path: what a query selects does not matter here."""

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: str) -> bytes:
        return b"SELECT contact_id, updated_at FROM contact_data"


def blob_timelines(commits: Iterable[tuple[FileChange, ...]]) -> dict[str, BlobTimeline]:
    """Return the files that some commits changed over time, by path."""
    timelines = defaultdict(list)
    for index, changes in enumerate(commits):
        for change in changes:
            timelines[change.path].append((index, change.blob))
    return dict(timelines)


def blob_at(timeline: BlobTimeline, index: int) -> str | None:
    """Return the blob of a file after a commit, `None` where there was none."""
    position = bisect.bisect_right(timeline, index, key=lambda entry: entry[0]) - 1
    return timeline[position][1] if position >= 0 else None
