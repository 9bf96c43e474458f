"""Watched folders that were added at run time, and small named things."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, delete, select

from cratehand.catalogue import schema
from cratehand.catalogue.paths import path_key, path_of, text_of
from cratehand.domain.folders import WatchedFolder

_folders = schema.folders.c


class SqlFolderStore:
    """`FolderStore` on a connection inside a transaction."""

    def __init__(self, connection: Connection, *, ignore_case: bool) -> None:
        self._connection = connection
        self._ignore_case = ignore_case

    def all(self) -> Sequence[WatchedFolder]:
        rows = self._connection.execute(select(schema.folders).order_by(_folders.added_at_s, _folders.path))
        return [
            WatchedFolder(path=path_of(row.path), added_at_s=row.added_at_s, polling=bool(row.polling)) for row in rows
        ]

    def add(self, folder: WatchedFolder) -> None:
        """Add a folder, or replace what is kept of it."""
        self.remove(folder.path)
        self._connection.execute(
            schema.folders.insert().values(
                path_key=self._key(folder.path),
                path=text_of(folder.path),
                added_at_s=folder.added_at_s,
                polling=folder.polling,
            )
        )

    def remove(self, path: Path) -> bool:
        gone = self._connection.execute(delete(schema.folders).where(_folders.path_key == self._key(path)))
        return gone.rowcount > 0

    def _key(self, path: Path) -> str:
        return path_key(text_of(path), ignore_case=self._ignore_case)


class SqlStateStore:
    """`StateStore` on a connection inside a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> str | None:
        return self._connection.execute(select(schema.state.c.value).where(schema.state.c.name == name)).scalar()

    def set(self, name: str, value: str | None) -> None:
        """Keep a value; None forgets it."""
        self._connection.execute(delete(schema.state).where(schema.state.c.name == name))
        if value is not None:
            self._connection.execute(schema.state.insert().values(name=name, value=value))
