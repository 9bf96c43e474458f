"""Where the master is, and what may be said of it aloud."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from cratehand.domain.errors import InvalidInputError

_COLLECTION: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SCHEMES: Final = ("postgresql", "postgres")
_CONNECT_S: Final = 8
_OPTIONS: Final = "-c statement_timeout=300s -c lock_timeout=30s -c idle_in_transaction_session_timeout=120s"


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterAddress:
    """A database and the collection in it."""

    parameters: dict[str, Any] = field(repr=False)
    """For psycopg; holds the password."""
    collection: str

    @property
    def spoken(self) -> str:
        """Return it without anything secret: ``user@host:port/database``."""
        get = self.parameters.get
        return f"{get('user', '?')}@{get('host', 'localhost')}:{get('port', 5432)}/{get('dbname', get('user', '?'))}"

    @property
    def schema(self) -> str:
        """Return the name space of the collection in the database; whoever may use it shares the collection."""
        return f"cratehand_{self.collection}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what may stand in no log."""
        return tuple(str(self.parameters[name]) for name in ("password", "sslpassword") if self.parameters.get(name))


def parse_address(url: str, *, collection: str = "main") -> MasterAddress:
    """Read the URL of a master.

    Raises:
        InvalidInputError: It is none; the message never repeats it, since it may hold a password.
    """
    import psycopg
    from psycopg import conninfo

    if url.split("://", 1)[0] not in _SCHEMES or "://" not in url:
        raise InvalidInputError(
            "[master] url is no URL of PostgreSQL: write postgresql://USER:PASSWORD@HOST:5432/DATABASE"
        )
    if not _COLLECTION.fullmatch(collection):
        raise InvalidInputError(
            f"[master] collection {collection!r} is no name: small letters, digits and _ only, a letter first, up to 40"
        )
    try:
        given = dict(conninfo.conninfo_to_dict(url))
    except psycopg.Error:
        # Without the cause, which repeats what it could not read.
        raise InvalidInputError(
            "[master] url can not be read: percent-encode special characters of user and password (@ is %40, / is %2F)"
        ) from None
    parameters: dict[str, Any] = {
        "connect_timeout": _CONNECT_S,
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        "application_name": "cratehand",
        "options": _OPTIONS,
        **given,
    }
    return MasterAddress(parameters=parameters, collection=collection)
