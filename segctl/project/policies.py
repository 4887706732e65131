"""Where a project has its policies: in segctl.yaml, in policies.yaml beside it, or in both.

Reads and checks the file. Binds no names and judges nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.declarations.policies_file import check_policies, read_policy_dates
from segctl.documents.data_files import read_data_file
from segctl.model.policies import POLICIES, POLICIES_FILE

if TYPE_CHECKING:
    from segctl.documents.document import Document


def read_policies_file(data: bytes, settings: Document | None) -> Document:
    """Return the document of policies.yaml, with everything that is wrong with it.

    `settings` is that of segctl.yaml, whose policies have other names.
    """
    document, _ = read_data_file(
        POLICIES_FILE,
        data,
        POLICIES,
        empty_hint=f"add `{POLICIES}:`, or delete it",
        prepare=read_policy_dates,
    )
    value = settings.value if settings is not None else None
    names = value.get(POLICIES) if isinstance(value, dict) else None
    taken = (
        {name: settings.span((POLICIES, name), key=True) for name in names}
        if settings is not None and isinstance(names, dict)
        else {}
    )
    check_policies(document, taken)
    return document
