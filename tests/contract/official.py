"""SendGrid's own description of the API, where its files lie beside the checkout, mended in memory.

The files are not part of this project: without them the tests hold requests and responses against
`shapes.yaml` alone. Each fault of the files has a reason; the recorded responses are right where
they differ.
"""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.contract.openapi import Contract
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(os.environ.get("SENDGRID_OPENAPI", REPOSITORY.parent / "shared" / "openapi"))
"""Where the files `tsg_mc_….yaml` are."""

V2, V1 = "segments_2.0", "segments"
LISTS, FIELDS, CONTACTS, SENDS = "lists", "custom_fields", "contacts", "singlesends"
DESCRIPTIONS = (V2, V1, LISTS, FIELDS, CONTACTS, SENDS)

REMOVED = object()


@dataclass(frozen=True)
class Fault:
    """A fault of a file: at this place, this is what it would have to say, and why."""

    file: str
    place: str
    value: Any
    reason: str


_NULL = "null in recorded responses"


def _nullable(file: str, schema: str, *names: str, kind: str = "string") -> list[Fault]:
    return [
        Fault(file, f"components/schemas/{schema}/properties/{name}/type", [kind, "null"], _NULL)
        for name in names
    ]


_TIMES = ("sample_updated_at", "next_sample_update")
_CONTACT = "components/schemas/ContactResponse"
_JSON = "content/application~json/schema"
_LIST = "paths/~v3~marketing~lists~{id}/get/responses"
_FIELD = "properties/errors/items/properties/field/type"

FAULTS = (
    *(
        Fault(
            file,
            f"{_CONTACT}/properties/city/pattern",
            REMOVED,
            "does not compile as a Unicode expression, which turns validation off",
        )
        for file in (V2, V1)
    ),
    Fault(
        V2,
        f"{_CONTACT}/properties/postal_code/type",
        "string",
        "postal codes are texts: they start with zeros and contain letters",
    ),
    Fault(
        V2,
        f"{_CONTACT}/required",
        ["id"],
        "fields without a value are left out of recorded contacts",
    ),
    Fault(
        V2,
        f"paths/~v3~marketing~segments~2.0/get/responses/200/{_JSON}",
        {
            "type": "object",
            "required": ["results"],
            "properties": {
                "results": {
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/AllSegments200"},
                }
            },
        },
        "the list is drawn as one segment; recorded lists have `results`",
    ),
    Fault(
        V2,
        "components/schemas/AllSegments200/required",
        ["id", "contacts_count", "created_at", "updated_at", *_TIMES, "parent_list_ids"],
        "v1 segments, which the list has too, have no query version, status, and perhaps no name",
    ),
    Fault(
        V2,
        "components/schemas/Segment2xx/required",
        ["id", "name", "query_dsl", "contacts_count", "created_at", "updated_at", *_TIMES],
        "`contacts_sample=false` leaves the sample out; v1 segments have no version and no status",
    ),
    *_nullable(V2, "AllSegments200", *_TIMES),
    *_nullable(V2, "AllSegments200", "parent_list_ids", kind="array"),
    *_nullable(V2, "Segment2xx", *_TIMES),
    *_nullable(V2, "Segment2xx", "parent_list_ids", kind="array"),
    Fault(V2, f"components/schemas/ErrorsSegmentV2/{_FIELD}", ["string", "null"], _NULL),
    *_nullable(V1, "SegmentSummary", *_TIMES),
    *_nullable(V1, "FullSegment", "parent_list_ids", kind="array"),
    *(
        Fault(
            V1,
            f"paths/~v3~marketing~segments~{{segment_id}}/{method}/responses/404/{_JSON}/{_FIELD}",
            ["string", "null"],
            _NULL,
        )
        for method in ("get", "delete")
    ),
    *_nullable(LISTS, "Error", "field"),
    Fault(
        LISTS,
        f"{_LIST}/404/{_JSON}",
        {
            "type": "object",
            "required": ["errors"],
            "properties": {
                "errors": {"type": "array", "items": {"$ref": "#/components/schemas/Error"}}
            },
        },
        "drawn as an array; errors are in an object wherever they were recorded",
    ),
    Fault(
        LISTS,
        f"{_LIST}/200/{_JSON}/properties/contact_sample",
        {"type": "array", "items": {"$ref": "#/components/schemas/ContactDetails"}},
        "one contact is drawn where there are up to 50",
    ),
    Fault(
        CONTACTS,
        f"components/schemas/ErrorResponse/{_FIELD}",
        ["string", "null"],
        "says `nullable`, which OpenAPI 3.1 does not know",
    ),
    *(
        Fault(
            SENDS,
            f"components/schemas/{schema}/properties/send_at/type",
            ["string", "null"],
            "a draft has no time",
        )
        for schema in ("SinglesendResponse", "SinglesendResponseShort")
    ),
    Fault(
        SENDS,
        "components/schemas/AbTestSummary/type",
        ["object", "null"],
        "says `nullable`, which OpenAPI 3.1 does not know",
    ),
    Fault(
        SENDS,
        f"paths/~v3~marketing~singlesends~{{id}}/get/responses/404/{_JSON}/{_FIELD}",
        ["string", "null"],
        _NULL,
    ),
)
"""The known faults of the files."""

ERRORS = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {
                    "field": {"type": ["string", "null"]},
                    "message": {"type": "string"},
                },
            },
        }
    },
}
_ERROR_TEXT = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
}
# The answers of the gateway before any operation, which only some paths list.
GATEWAY: dict[int, Any] = {401: ERRORS, 403: ERRORS, 406: ERRORS, 429: ERRORS}

STATUSES: dict[str, dict[int, Any]] = {
    "*": GATEWAY,
    # Guessed: a bad page or filter.
    "GET /v3/marketing/lists": {400: ERRORS},
    "GET /v3/marketing/singlesends": {400: ERRORS},
    # Documented by no page; they have no body, as that of DELETE has none.
    "GET /v3/marketing/segments/2.0/{segment_id}": {404: None},
    "PATCH /v3/marketing/segments/2.0/{segment_id}": {404: None},
    # Guessed: a time zone that is missing.
    "POST /v3/marketing/segments/2.0/refresh/{segment_id}": {
        400: _ERROR_TEXT,
        403: None,
        429: None,
    },
}
UNDOCUMENTED = (
    # Two public clients read them; no page describes them.
    r"/v3/marketing/automations(/[^/]+)?",
    # Of the account, not of Marketing Campaigns, and of the storage of exports.
    r"/v3/scopes",
    r"/contact-exports/.+",
)
EXTRA = {
    # One request for both APIs; a v1 segment ignores it.
    "GET /v3/marketing/segments/{segment_id}": ("contacts_sample",),
}


def is_present() -> bool:
    """Return whether the files are there."""
    return all(_file(name).is_file() for name in DESCRIPTIONS)


def contract(faults: Iterable[Fault] = FAULTS) -> Contract:
    """Return the contract of the files with these faults mended."""
    documents = deepcopy(_documents())
    for fault in faults:
        mend(documents[fault.file], fault)
    return Contract(
        list(documents.values()), undocumented=UNDOCUMENTED, extra=EXTRA, statuses=STATUSES
    )


def mend(document: Any, fault: Fault) -> None:
    """Mend a fault in a document. Fails where there is nothing to mend."""
    *steps, last = [step.replace("~", "/") for step in fault.place.split("/")]
    for step in steps:
        document = document[step]
    if fault.value is REMOVED:
        del document[last]
        return
    assert document.get(last) != fault.value, f"{fault.place} is as it should be: remove the fault"
    document[last] = fault.value


@cache
def _documents() -> dict[str, Any]:
    return {
        name: yaml.load(_file(name).read_text("utf-8"), yaml.CSafeLoader) for name in DESCRIPTIONS
    }


def _file(name: str) -> Path:
    return FOLDER / f"tsg_mc_{name}_v3.yaml"
