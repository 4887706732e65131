"""The place of a query in its file: offsets in the query become lines and columns of the file.

Maps places only; `linter` and the test runner know what is wrong there.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from segctl.documents.yaml_positions import ScalarMap, TextMap
from segctl.errors import Span
from segctl.query.conditions import CONDITION_PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.documents.document import Document, Path
    from segctl.model import Declared
    from segctl.model.segments import Splice

_QUERY: Path = ("query_dsl",)


class QuerySource:
    """The text of the file that holds a query, and the way from offsets to places in it.

    `own_file` says that the query is in a `.sql` file. Offsets are those of the query; indices
    are those of the file's text.
    """

    __slots__ = ("_added", "_map", "_scalar", "_splices", "file", "own_file", "text")

    def __init__(
        self,
        document: Document,
        file: str,
        written: str,
        splices: Sequence[Splice] = (),
        *,
        path: Path = _QUERY,
        added: str = "",
    ) -> None:
        """`document` is the YAML file, even where the query is in a `.sql` file, `file`.

        `written` is the query as the file has it at `path`, to which `splices` lead back. `added`
        is what the query has before that, and offsets count.
        """
        self.file = file
        self._added = len(added)
        self.own_file = file != document.file
        self._splices = splices
        self._map: TextMap | None = None
        self._scalar: ScalarMap | None = None
        if self.own_file:
            self.text = written
        else:
            self.text = document.text
            place = document.places.get(path) or document.places[()]
            self._scalar = ScalarMap(
                self.text, place.offset, place.end_offset, place.style, written
            )

    @classmethod
    def of(cls, declared: Declared, document: Document) -> QuerySource:
        """Return the source of a declared query."""
        written = declared.written_query or declared.segment.query
        return cls(document, declared.query_span.file, written, declared.splices)

    @classmethod
    def of_condition(
        cls, document: Document, written: str, path: Path, splices: Sequence[Splice] = ()
    ) -> QuerySource:
        """Return the source of a condition at `path`, which is read as a query."""
        return cls(document, document.file, written, splices, path=path, added=CONDITION_PREFIX)

    def index(self, offset: int) -> int:
        """Return the index in the file's text of an offset in the query."""
        return self._written(offset)[0]

    def _written(self, offset: int) -> tuple[int, int]:
        """Return the indices in the file's text of a character of the query and of the next one.

        A character of an id is the whole name that stands for it.
        """
        position = bisect_right(self._splices, offset, key=lambda splice: splice.start)
        start, end = offset, offset + 1
        if position:
            splice = self._splices[position - 1]
            shift = splice.source_end - splice.end
            start, end = start + shift, end + shift
            if offset < splice.end:
                start, end = splice.source_start, splice.source_end
        if self._scalar is None:
            return start, end
        # What was added is before the first character.
        start, end = max(0, start - self._added), max(1, end - self._added)
        return self._scalar.index(start), self._scalar.index(end - 1) + 1

    def locate(self, offset: int) -> tuple[str, int, int]:
        """Return the file, line and column of an offset in the query."""
        return (self.file, *self.place(self.index(offset)))

    def place(self, index: int) -> tuple[int, int]:
        """Return the line and column of an index in the file's text."""
        self._map = self._map or TextMap(self.text)
        return self._map.locate(index)

    def span(self, start: int, end: int) -> Span:
        """Return the place of a range of the query."""
        first, last = self.range(start, end)
        return Span(self.file, *self.place(first), *self.place(last))

    def range(self, start: int, end: int) -> tuple[int, int]:
        """Return the start and end index in the file's text of a range of the query."""
        first = self.index(start)
        return first, self._written(end - 1)[1] if end > start else first
