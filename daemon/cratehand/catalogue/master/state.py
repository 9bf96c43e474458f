"""How device and master stand, as `cratehand master status` and `cratehand status` tell it."""

from sqlalchemy import Connection

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.catalogue.keys import id_of
from cratehand.catalogue.master.address import MasterAddress
from cratehand.catalogue.master.bound import load_binding
from cratehand.domain.master import KnownDevice, MasterState, SetAside, SettledConflict

_SHOWN = 100


def read_state(
    catalogue: SqliteCatalogue, address: MasterAddress, master: Connection | None, problem: str | None
) -> MasterState:
    """Gather it; without a connection to the master what the device alone knows."""
    with catalogue.reading() as stores:
        device = stores.connection
        binding = load_binding(device)
        waiting = device.exec_driver_sql("SELECT count(*) FROM changes WHERE error IS NULL").scalar_one()
        conflicts, set_aside = _conflicts(device), _set_aside(device)
    behind, devices, server = None, [], ""
    if master is not None:
        with master.begin():
            server = str(master.exec_driver_sql("SHOW server_version").scalar_one())
            head = master.exec_driver_sql("SELECT coalesce(max(revision), 0) FROM pushes").scalar_one()
            rows = master.exec_driver_sql("SELECT device, name, seen, met_at_s FROM devices ORDER BY met_at_s DESC")
            devices = [
                KnownDevice(device=row[0], name=row[1], behind=head - row[2], met_at_s=row[3])
                for row in rows.fetchall()
            ]
        behind = head - (binding.seen if binding else 0)
    return MasterState(
        address=address.spoken,
        collection=address.collection,
        device=binding.device if binding else "",
        waiting=waiting,
        behind=behind,
        problem=problem,
        server=server,
        devices=devices,
        conflicts=conflicts,
        set_aside=set_aside,
    )


def _conflicts(connection: Connection) -> list[SettledConflict]:
    rows = connection.exec_driver_sql(
        "SELECT at_s, entity, track, name, field, kept, lost, kept_by, lost_by FROM conflicts "
        "ORDER BY at_s DESC, id LIMIT ?",
        (_SHOWN,),
    )
    return [
        SettledConflict(
            at_s=row[0], what=row[1], where=_where(row[2], row[3]), field=row[4], kept=row[5], lost=row[6],
            kept_by=row[7], lost_by=row[8],
        )
        for row in rows
    ]  # fmt: skip


def _set_aside(connection: Connection) -> list[SetAside]:
    there = connection.exec_driver_sql("SELECT entity, track, name, reason FROM quarantine LIMIT ?", (_SHOWN,))
    here = connection.exec_driver_sql(
        "SELECT entity, track, name, error FROM changes WHERE error IS NOT NULL LIMIT ?", (_SHOWN,)
    )
    return [SetAside(what=row[0], where=_where(row[1], row[2]), side="device", reason=row[3]) for row in there] + [
        SetAside(what=row[0], where=_where(row[1], row[2]), side="master", reason=row[3]) for row in here
    ]


def _where(track: int, name: str) -> str:
    if not track:
        return name
    return f"{id_of(track)} {name}".rstrip()
