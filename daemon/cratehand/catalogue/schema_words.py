"""What every table of the catalogue is made with: names of constraints, keys of tracks, text from anywhere."""

from typing import Any, Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, Text, TypeDecorator
from sqlalchemy.engine import Dialect


def storable(value: str) -> str:
    r"""Return the text with what databases can not hold (lone surrogates, NUL) written out: ``\udcff``, ``\x00``."""
    if value.isascii():
        return value.replace("\0", "\\x00") if "\0" in value else value
    return value.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


class AnyText(TypeDecorator[str]):
    """Text from anywhere, made storable on its way in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(str(value))


TRACK_KEY: Final = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite clusters a table by its key only where the type is spelt INTEGER; it holds 64 bits all the same."""

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def track_column(**options: Any) -> Column[int]:
    """Return the column of the track that a row belongs to; the row goes with its track."""
    return Column("track", TRACK_KEY, ForeignKey("tracks.track", ondelete="CASCADE"), nullable=False, **options)
