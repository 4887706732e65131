"""Accounts as segctl.yaml names them, and what goes where it names none. Reads no key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.project.config import Target

DEFAULT_TARGET = "production"
DEFAULT_KEY_VARIABLE = "SENDGRID_API_KEY"


class Account(NamedTuple):
    """An account as a target of segctl.yaml names it."""

    key_variable: str = DEFAULT_KEY_VARIABLE
    region: str = "global"
    subuser: str | None = None

    @classmethod
    def of(cls, target: Target) -> Account | None:
        """Return the account of a target, `None` for the sandbox, which belongs to the project."""
        if target.is_sandbox:
            return None
        return cls(target.api_key_env, target.region, target.subuser)


def read_accounts(settings: Mapping[str, Any]) -> dict[str, Account] | None:
    """Return the accounts of the targets in a segctl.yaml by name, `None` where it is broken."""
    targets = settings.get("targets") or {DEFAULT_TARGET: None}
    if not isinstance(targets, dict):
        return None
    return {str(name): _read_account(fields) for name, fields in targets.items()}


def _read_account(fields: object) -> Account:
    values = fields if isinstance(fields, dict) else {}
    default, subuser = Account(), values.get("subuser")
    return Account(
        str(values.get("api_key_env") or default.key_variable),
        str(values.get("region") or default.region),
        str(subuser) if subuser else None,
    )
