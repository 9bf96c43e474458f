"""What a device knows of its master: which one, how far it is, and who it is itself there."""

import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import Final

from sqlalchemy import Connection

from cratehand.catalogue import schema
from cratehand.catalogue.master import capture
from cratehand.catalogue.master.rows import execute_by_keys, select_by_keys, upsert
from cratehand.catalogue.noting import STAMP
from cratehand.catalogue.provenance_keys import SMALLEST, next_provenance

_NAME: Final = "master.binding"


def fresh_name() -> str:
    """Return a random name for a device, a turn or a push."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Kept in the device's own catalogue, so that a copy or a backup takes it along."""

    master: str
    """Id of the collection on the master."""
    device: str
    seen: int = 0
    """The last push that this device has."""
    token: str = ""
    """The name of that push: another master, or one that was set back, has another one there."""
    pushing: str = ""
    """The name of the push that was sent last, written down before: whether it arrived may never be heard."""
    turn: str = ""
    next_turn: str = ""
    name: str = ""
    """What its owner calls this device."""


def load_binding(connection: Connection) -> Binding | None:
    """Return what this device is bound to, None where to nothing."""
    statement = schema.state.select().where(schema.state.c.name == _NAME)
    row = connection.execute(statement).first()
    return None if row is None else Binding(**json.loads(row.value))


def save_binding(connection: Connection, binding: Binding) -> None:
    """Keep it."""
    upsert(connection, schema.state, ("name", "value"), [(_NAME, json.dumps(asdict(binding)))], keys=("name",))


def bind(connection: Connection, master: str, *, device: str | None = None) -> Binding:
    """Bind this device to a master: everything on it is new to that one, and changes are noted from now on."""
    binding = Binding(master=master, device=device or fresh_name())
    _renumber_provenances(connection)
    capture.install(connection)
    connection.exec_driver_sql("INSERT OR IGNORE INTO capture (only, active, stamp) VALUES (1, 1, 0)")
    capture.note_everything(connection)
    save_binding(connection, binding)
    return binding


def begin_again(connection: Connection, binding: Binding) -> Binding:
    """Compare everything with the master once more, e.g. after that one was brought back from a backup."""
    capture.note_everything(connection)
    binding = replace(binding, seen=0, token="")
    save_binding(connection, binding)
    return binding


def become_another(connection: Connection, binding: Binding) -> Binding:
    """Go on as a device of its own, since somebody else has our name: this catalogue, or that one, is a copy."""
    binding = replace(binding, device=fresh_name(), turn="", next_turn="")
    # The master has to hear that the files are here, too.
    connection.exec_driver_sql(
        f"INSERT INTO changes (entity, track, name, stamp) SELECT 'track', track, '', {STAMP} FROM tracks "  # noqa: S608
        "WHERE path IS NOT NULL ON CONFLICT (entity, track, name) DO UPDATE SET stamp = max(excluded.stamp, stamp + 1)"
    )
    connection.exec_driver_sql(
        f"INSERT INTO changes (entity, track, name, stamp) SELECT 'plan', 0, id, {STAMP} FROM plans "  # noqa: S608
        "WHERE true ON CONFLICT (entity, track, name) DO NOTHING"
    )
    save_binding(connection, binding)
    return binding


def _renumber_provenances(connection: Connection) -> None:
    """Give provenances that the database counted itself a key that is theirs on every device."""
    old = connection.exec_driver_sql(
        f"SELECT provenance FROM provenances WHERE provenance < {SMALLEST} ORDER BY at_s, provenance"  # noqa: S608
    ).fetchall()
    if not old:
        return
    # They stay in their order, and before all that come.
    first = next_provenance() - len(old)
    pairs = [(first + place, row[0]) for place, row in enumerate(old)]
    connection.exec_driver_sql("UPDATE provenances SET provenance = ? WHERE provenance = ?", pairs)
    connection.exec_driver_sql("CREATE TEMP TABLE renumbered (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")
    connection.exec_driver_sql("INSERT INTO renumbered (new, old) VALUES (?, ?)", pairs)
    connection.exec_driver_sql(
        "UPDATE facts SET provenance = (SELECT new FROM renumbered WHERE old = provenance) WHERE provenance < ?",
        (SMALLEST,),
    )
    connection.exec_driver_sql("DROP TABLE renumbered")


def existing_tracks(connection: Connection, tracks: "set[int]") -> set[int]:
    """Return those that are here."""
    return {row[0] for row in select_by_keys(connection, "SELECT track FROM tracks WHERE track {keys}", tracks)}


def forget_changes(connection: Connection, entity: str, tracks: "set[int]") -> None:
    """Take it that the master knows what is noted of these tracks."""
    execute_by_keys(connection, f"DELETE FROM changes WHERE entity = '{entity}' AND track {{keys}}", tracks)  # noqa: S608
