"""What each command does, callable from Python: the names in `__all__` are the public interface.

A use case takes what it needs of three things: a `Project` (files and settings), a `Connection` (an
open account) and a `Console` (remarks and progress; silent unless one is passed). It returns a
value, raises an error of `segctl.errors`, and neither prints nor exits. Each name is imported when
it is first used. `docs/python-api.md` shows how to use them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.app.account_file import pull_account
    from segctl.app.apply import ApplyFailed, apply_plan
    from segctl.app.audit import segment_history
    from segctl.app.connection import Connection, connect
    from segctl.app.console import Console
    from segctl.app.contacts import forget_contacts, pull_contacts, stored_contacts
    from segctl.app.differences import diff_targets
    from segctl.app.drift import detect_drift
    from segctl.app.drift_acceptance import accept_drift, write_accepted
    from segctl.app.emulator_server import serve_emulator
    from segctl.app.explain import explain_segments
    from segctl.app.fleet import apply_targets, connect_targets, find_targets, plan_targets
    from segctl.app.fleet_drift import detect_drift_of_targets
    from segctl.app.formatting import format_files, write_formatted
    from segctl.app.import_files import ImportOptions, import_segments
    from segctl.app.listing import ListOptions, list_contact_lists, list_segments
    from segctl.app.live_segments import live_segments
    from segctl.app.new_files import write_new_file
    from segctl.app.owners import code_owners, list_owners, write_code_owners
    from segctl.app.ownership import segment_ownership
    from segctl.app.plan import build_plan, read_request
    from segctl.app.policies import PolicyReport, judge_policies
    from segctl.app.preview import PreviewOptions, preview_audiences
    from segctl.app.probe import Probe, open_probe, write_observed
    from segctl.app.program_ids import SegmentIds, check_ids, segment_ids
    from segctl.app.project import Project
    from segctl.app.refresh import refresh_counts
    from segctl.app.rendering import render_segments
    from segctl.app.saved_plan import (
        check_current,
        check_digest,
        check_fleet,
        read_saved,
        read_saved_plan,
        save_plan,
    )
    from segctl.app.segment_tests import run_segment_tests
    from segctl.app.starter_files import write_starter_files
    from segctl.app.upgrade import VerifyWith, upgrade_segments
    from segctl.app.validate import validate_project
    from segctl.applying.applier import ApplyOptions
    from segctl.model.plan_options import PlanOptions

_MODULES = {
    "ApplyFailed": "segctl.app.apply",
    "ApplyOptions": "segctl.applying.applier",
    "Connection": "segctl.app.connection",
    "Console": "segctl.app.console",
    "ImportOptions": "segctl.app.import_files",
    "ListOptions": "segctl.app.listing",
    "PlanOptions": "segctl.model.plan_options",
    "PolicyReport": "segctl.app.policies",
    "PreviewOptions": "segctl.app.preview",
    "Probe": "segctl.app.probe",
    "Project": "segctl.app.project",
    "SegmentIds": "segctl.app.program_ids",
    "VerifyWith": "segctl.app.upgrade",
    "accept_drift": "segctl.app.drift_acceptance",
    "apply_plan": "segctl.app.apply",
    "apply_targets": "segctl.app.fleet",
    "build_plan": "segctl.app.plan",
    "check_current": "segctl.app.saved_plan",
    "check_digest": "segctl.app.saved_plan",
    "check_fleet": "segctl.app.saved_plan",
    "check_ids": "segctl.app.program_ids",
    "code_owners": "segctl.app.owners",
    "connect": "segctl.app.connection",
    "connect_targets": "segctl.app.fleet",
    "detect_drift": "segctl.app.drift",
    "detect_drift_of_targets": "segctl.app.fleet_drift",
    "diff_targets": "segctl.app.differences",
    "explain_segments": "segctl.app.explain",
    "find_targets": "segctl.app.fleet",
    "forget_contacts": "segctl.app.contacts",
    "format_files": "segctl.app.formatting",
    "import_segments": "segctl.app.import_files",
    "judge_policies": "segctl.app.policies",
    "list_contact_lists": "segctl.app.listing",
    "list_owners": "segctl.app.owners",
    "list_segments": "segctl.app.listing",
    "live_segments": "segctl.app.live_segments",
    "open_probe": "segctl.app.probe",
    "plan_targets": "segctl.app.fleet",
    "preview_audiences": "segctl.app.preview",
    "pull_account": "segctl.app.account_file",
    "pull_contacts": "segctl.app.contacts",
    "read_request": "segctl.app.plan",
    "read_saved": "segctl.app.saved_plan",
    "read_saved_plan": "segctl.app.saved_plan",
    "refresh_counts": "segctl.app.refresh",
    "render_segments": "segctl.app.rendering",
    "run_segment_tests": "segctl.app.segment_tests",
    "save_plan": "segctl.app.saved_plan",
    "segment_history": "segctl.app.audit",
    "segment_ids": "segctl.app.program_ids",
    "segment_ownership": "segctl.app.ownership",
    "serve_emulator": "segctl.app.emulator_server",
    "stored_contacts": "segctl.app.contacts",
    "upgrade_segments": "segctl.app.upgrade",
    "validate_project": "segctl.app.validate",
    "write_accepted": "segctl.app.drift_acceptance",
    "write_code_owners": "segctl.app.owners",
    "write_formatted": "segctl.app.formatting",
    "write_new_file": "segctl.app.new_files",
    "write_observed": "segctl.app.probe",
    "write_starter_files": "segctl.app.starter_files",
}

__all__ = [
    "ApplyFailed",
    "ApplyOptions",
    "Connection",
    "Console",
    "ImportOptions",
    "ListOptions",
    "PlanOptions",
    "PolicyReport",
    "PreviewOptions",
    "Probe",
    "Project",
    "SegmentIds",
    "VerifyWith",
    "accept_drift",
    "apply_plan",
    "apply_targets",
    "build_plan",
    "check_current",
    "check_digest",
    "check_fleet",
    "check_ids",
    "code_owners",
    "connect",
    "connect_targets",
    "detect_drift",
    "detect_drift_of_targets",
    "diff_targets",
    "explain_segments",
    "find_targets",
    "forget_contacts",
    "format_files",
    "import_segments",
    "judge_policies",
    "list_contact_lists",
    "list_owners",
    "list_segments",
    "live_segments",
    "open_probe",
    "plan_targets",
    "preview_audiences",
    "pull_account",
    "pull_contacts",
    "read_request",
    "read_saved",
    "read_saved_plan",
    "refresh_counts",
    "render_segments",
    "run_segment_tests",
    "save_plan",
    "segment_history",
    "segment_ids",
    "segment_ownership",
    "serve_emulator",
    "stored_contacts",
    "upgrade_segments",
    "validate_project",
    "write_accepted",
    "write_code_owners",
    "write_formatted",
    "write_new_file",
    "write_observed",
    "write_starter_files",
]


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: all at once would slow every command down."""
    module = _MODULES.get(name)
    if module is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
