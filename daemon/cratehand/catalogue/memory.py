"""Answers kept as long as nobody has written: for questions that every search asks and that look at all rows."""

from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")

_KEPT: Final = "cratehand.remembered"


def remembered(connection: Connection, question: str, answer: Callable[[], T]) -> T:
    """Return the answer that this connection gave before, if the catalogue has not changed since, else a new one.

    Only for connections that never write, which are SQLite's readers: of its own changes a connection is not told.
    """
    if connection.dialect.name != "sqlite" or not connection.exec_driver_sql("PRAGMA query_only").scalar():
        return answer()
    version = connection.exec_driver_sql("PRAGMA data_version").scalar()
    kept: dict[str, tuple[object, T]] = connection.info.setdefault(_KEPT, {})
    if question not in kept or kept[question][0] != version:
        kept[question] = (version, answer())
    return kept[question][1]
