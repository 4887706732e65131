"""A repository for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.history.repository import Repository, new_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_git_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository whose project is at its top."""
    return new_repository(tmp_path)
