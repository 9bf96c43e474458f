"""A collection that can be edited while its program is closed, and a store of waiting writes."""

from collections.abc import Sequence

from cratehand.domain.collection_edit import CollectionEdit, EditObstacle, EditRecord, RowChange
from cratehand.domain.collection_write import CollectionWrite, WriteState
from cratehand.domain.errors import CratehandError, UnavailableError


class FakeEditor:
    """Implements `CollectionEditor`; remembers the order of what was written, and writes no change twice."""

    def __init__(self, *, running: bool = False) -> None:
        self.running = running
        self.refuses: dict[str, CratehandError] = {}
        self.written: dict[str, EditRecord] = {}

    def check(self, edits: Sequence[CollectionEdit]) -> Sequence[EditObstacle]:
        return ()

    def check_undo(self, record: EditRecord) -> Sequence[EditObstacle]:
        return ()

    def apply(self, edits: Sequence[CollectionEdit], *, change_id: str | None = None) -> EditRecord:
        return self._write(change_id or "")

    def undo(self, record: EditRecord, *, change_id: str | None = None) -> EditRecord:
        return self._write(change_id or "")

    def describe(self) -> str:
        return "a collection of the test"

    def _write(self, change_id: str) -> EditRecord:
        if change_id in self.written:
            return self.written[change_id]
        if self.running:
            raise UnavailableError("rekordbox is running")
        if change_id in self.refuses:
            raise self.refuses[change_id]
        row = RowChange(table="djmdContent", row_id=change_id, before=None, after={"ID": change_id})
        record = EditRecord(at_s=1.0, database="x", database_id="1", schema="s", rows=(row,), change_id=change_id)
        self.written[change_id] = record
        return record


class KeptWrites:
    """Implements `CollectionWriteStore` in memory."""

    def __init__(self) -> None:
        self.all: dict[str, CollectionWrite] = {}
        self.saves = 0

    def waiting(self) -> Sequence[CollectionWrite]:
        found = [write for write in self.all.values() if write.state is WriteState.WAITING]
        return sorted(found, key=lambda write: write.asked_at_s)

    def save(self, write: CollectionWrite) -> None:
        self.saves += 1
        self.all[write.id] = write
