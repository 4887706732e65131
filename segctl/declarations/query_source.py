"""The place of a query in its file: offsets in the query become lines and columns of the file.

Maps places only; `linter` and the test runner know what is wrong there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.documents.yaml_positions import ScalarMap, TextMap

if TYPE_CHECKING:
    from segctl.documents.document import Document
    from segctl.model import Declared


class QuerySource:
    """The text of the file that holds a query, and the way from offsets to places in it.

    `own_file` says that the query is in a `.sql` file. Offsets are those of the query; indices
    are those of the file's text.
    """

    __slots__ = ("_map", "_scalar", "file", "own_file", "text")

    def __init__(self, declared: Declared, document: Document) -> None:
        """`document` is the YAML file, even where the query is in a `.sql` file."""
        self.file = declared.query_span.file
        self.own_file = self.file != document.file
        self._map: TextMap | None = None
        self._scalar: ScalarMap | None = None
        if self.own_file:
            self.text = declared.segment.query
        else:
            self.text = document.text
            place = document.places.get(("query_dsl",)) or document.places[()]
            self._scalar = ScalarMap(
                self.text, place.offset, place.end_offset, place.style, declared.segment.query
            )

    def index(self, offset: int) -> int:
        """Return the index in the file's text of an offset in the query."""
        return self._scalar.index(offset) if self._scalar else offset

    def locate(self, offset: int) -> tuple[str, int, int]:
        """Return the file, line and column of an offset in the query."""
        return (self.file, *self.place(self.index(offset)))

    def place(self, index: int) -> tuple[int, int]:
        """Return the line and column of an index in the file's text."""
        self._map = self._map or TextMap(self.text)
        return self._map.locate(index)

    def range(self, start: int, end: int) -> tuple[int, int]:
        """Return the start and end index in the file's text of a range of the query."""
        return self.index(start), self.index(end - 1) + 1 if end > start else self.index(start)
