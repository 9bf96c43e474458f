"""Records of changes beside their backups: what a crash between the commit and the caller's own note must not lose."""

import json
import os
from pathlib import Path
from typing import Final

from cratehand.domain.collection_edit import EditRecord
from cratehand.domain.collection_edit_codec import record_from_json, record_to_json
from cratehand.domain.errors import InvalidInputError, UnavailableError

_PENDING: Final = ".pending"
_DONE: Final = ".json"


class Journal:
    """One file a change, named as its backup; a pending one may or may not have been committed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, name: str, record: EditRecord) -> None:
        """Note what is about to be committed, so that it survives a crash of the computer.

        Raises:
            UnavailableError: There is no room.
        """
        path = self._folder / (name + _PENDING)
        try:
            with path.open("w", encoding="utf-8") as file:
                json.dump(record_to_json(record), file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            path.unlink(missing_ok=True)
            raise UnavailableError(
                f"can not write {path} ({error.strerror}); nothing was written to Rekordbox"
            ) from error

    def finish(self, name: str) -> None:
        """Note that the change is committed and complete."""
        (self._folder / (name + _PENDING)).replace(self._folder / (name + _DONE))

    def drop(self, name: str) -> None:
        """Forget a change that was not committed."""
        (self._folder / (name + _PENDING)).unlink(missing_ok=True)

    def pending(self) -> dict[str, EditRecord]:
        """Return the changes of which it is not known whether they were committed, oldest first, by name."""
        return self._read(_PENDING)

    def find(self, change_id: str) -> EditRecord | None:
        """Return the record of a committed change by the caller's name for it."""
        return next((each for each in self._read(_DONE).values() if each.change_id == change_id), None)

    def _read(self, suffix: str) -> dict[str, EditRecord]:
        found = {}
        for path in sorted(self._folder.glob(f"*{suffix}")):
            try:
                found[path.stem] = record_from_json(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, InvalidInputError):
                # Torn by a crash while it was written, so before anything was committed.
                continue
        return found
