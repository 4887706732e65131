"""The files of an export: columns, lines, and where one file ends and the next begins.

Owns the two formats, CSV and JSON, and the cut into files. Source: sendgrid-api.md §4, and the code
of users; what is guessed says so.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING

from segctl.emulator.contacts import ALTERNATE_EMAILS
from segctl.emulator.request import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.emulator.contacts import Contact, Value

# The columns of an export, in their order, with those of custom fields between the two: seen in
# the code of users. There are no columns for lists and for the domains of addresses.
_BEFORE_CUSTOM = (
    "email",
    "first_name",
    "last_name",
    "address_line_1",
    "address_line_2",
    "city",
    "state_province_region",
    "postal_code",
    "country",
    ALTERNATE_EMAILS,
    "phone_number",
    "whatsapp",
    "line",
    "facebook",
    "unique_name",
    "created_at",
    "updated_at",
    "contact_id",
)
_AFTER_CUSTOM = ("phone_number_id", "external_id", "anonymous_id")


def packed(
    chosen: Sequence[Contact], custom: Sequence[str], file_type: str, most: int | None, size: int
) -> Iterator[bytes]:
    """Return the files in gzip: each of at most `most` contacts and, unpacked, `size` bytes.

    `custom` are the account's own fields, `file_type` is `csv` or `json`.
    """
    lines = _csv_lines(chosen, custom) if file_type == "csv" else _json_lines(chosen, custom)
    for content in _cut(lines, most, size):
        yield gzip.compress(content, 6, mtime=0)


def _columns(contact: Contact) -> dict[str, Value]:
    return {
        **contact.fields,
        "email": contact.email,
        "created_at": timestamp(contact.created_at),
        "updated_at": timestamp(contact.updated_at),
        "contact_id": contact.id,
    }


def _csv_lines(chosen: Sequence[Contact], custom: Sequence[str]) -> Iterator[bytes]:
    """Write the header, then a line a contact.

    Names of columns are in capitals, those of custom fields as well (guessed from one example);
    so are the empty text for NULL and the comma between alternate addresses (guessed).
    """
    names = (*_BEFORE_CUSTOM, *custom, *_AFTER_CUSTOM)
    written = io.StringIO()
    line = csv.writer(written, lineterminator="\n")
    line.writerow([name.upper() for name in names])
    for contact in chosen:
        yield _taken(written)
        values = _columns(contact)
        line.writerow([_csv_value(values.get(name)) for name in names])
    yield _taken(written)


def _taken(written: io.StringIO) -> bytes:
    text = written.getvalue()
    written.seek(0)
    written.truncate()
    return text.encode()


def _csv_value(value: Value | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value)
    return ",".join(value)


def _json_lines(chosen: Sequence[Contact], custom: Sequence[str]) -> Iterator[bytes]:
    """Write an empty header, then an object a contact, on a line of its own (observed)."""
    yield b""
    for contact in chosen:
        values = _columns(contact)
        own = {name: values.pop(name) for name in custom if name in values}
        content = {**values, "custom_fields": own}
        yield json.dumps(content, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _cut(lines: Iterator[bytes], most: int | None, size: int) -> Iterator[bytes]:
    """Cut lines into files, at least one; each begins with the header (guessed)."""
    header = next(lines)
    contact_count, content = 0, bytearray(header)
    for line in lines:
        if contact_count and (contact_count == most or len(content) + len(line) > size):
            yield bytes(content)
            contact_count, content = 0, bytearray(header)
        content += line
        contact_count += 1
    yield bytes(content)
