"""Which schemas of master.db may be written to: those whose every touched column is known."""

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.errors import UnsupportedError

TOUCHED: Final = (
    "agentRegistry", "contentCue", "djmdContent", "djmdCue", "djmdKey", "djmdPlaylist", "djmdProperty",
    "djmdSongPlaylist",
)  # fmt: skip
"""Every table that is written, or that says how to write."""

KNOWN_SCHEMAS: Final[Mapping[str, str]] = MappingProxyType({"e208f039df390b42": "Rekordbox 6.6.2"})
"""Fingerprint → the version it was taken from."""


def schema_fingerprint(connection: sqlcipher.Connection) -> str:
    """Return 16 hex digits of SHA-256 over ``DBVersion`` and ``table_info`` of the touched tables.

    Names, types, NOT NULL, defaults and keys of all columns count, in their order; indexes and data do not.
    """
    tables = {table: connection.execute(f"PRAGMA table_info({table})").fetchall() for table in TOUCHED}
    try:
        version = connection.execute("SELECT DBVersion FROM djmdProperty LIMIT 1").fetchone()
    except sqlcipher.OperationalError:
        version = None
    text = json.dumps([version and version[0], tables], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def refuse_unknown_schema(connection: sqlcipher.Connection, known: Mapping[str, str]) -> str:
    """Return the fingerprint of a schema that may be written to.

    Raises:
        UnsupportedError: It is not known; names the fingerprint.
    """
    fingerprint = schema_fingerprint(connection)
    if fingerprint not in known:
        raise UnsupportedError(
            f"this master.db has schema {fingerprint}, which cratehand was never tried on, so it is not written to; "
            "import the XML instead, and please report the fingerprint with your version of Rekordbox"
        )
    return fingerprint


def database_id(connection: sqlcipher.Connection) -> str:
    """Return the identity of the collection (``djmdProperty.DBID``)."""
    row = connection.execute("SELECT DBID FROM djmdProperty LIMIT 1").fetchone()
    return str(row[0]) if row else ""
