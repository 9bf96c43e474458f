"""Keeping a device and its master in step: take over, settle, push.

The master numbers pushes under a lock of the collection that is held until the push is committed, so that their order
is the order in which others see them; a sequence would give numbers that become visible out of order. A device may
push only where it has everything that is there, see decision 0016.
"""

import logging
import platform
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, Engine

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.catalogue.master.address import MasterAddress
from cratehand.catalogue.master.bound import (
    Binding,
    become_another,
    begin_again,
    bind,
    fresh_name,
    load_binding,
    save_binding,
)
from cratehand.catalogue.master.incoming import Head, fetch, read_head
from cratehand.catalogue.master.same_sound import unite
from cratehand.catalogue.master.sending import Outgoing, acknowledge, collect, write
from cratehand.catalogue.master.setting_up import read_master_id, require_server, require_version
from cratehand.catalogue.master.state import read_state
from cratehand.catalogue.master.taking_over import ReadAgainError, TakingOver
from cratehand.catalogue.master.talking import SILENCE_S, open_engine, patience, talking
from cratehand.domain.errors import ConflictError, CratehandError, UnavailableError
from cratehand.domain.master import MasterState, SyncReport

_log = logging.getLogger(__name__)

_TURNS: Final = 100
"""How often others may be quicker before we give up for now."""

_DELETED_HERE: Final = (
    "SELECT track FROM changes WHERE entity = 'track' AND track NOT IN (SELECT track FROM tracks) "
    "AND track NOT IN (SELECT track FROM merges)"
)
_DIGESTS_TWICE: Final = (
    "SELECT digest FROM tracks WHERE digest IN (SELECT t.digest FROM changes c JOIN tracks t ON t.track = c.track "
    "WHERE c.entity = 'track' AND t.digest IS NOT NULL) GROUP BY digest HAVING count(*) > 1"
)


class PostgresMaster:
    """`Master` in a PostgreSQL database. One thread at a time.

    Args:
        catalogue: The device's.
        address: Where the master is.
        name: What this device is called there.
        alone: Entered for each meeting: of several processes on one device one meets the master at a time.
        silence_s: After how long without an answer to hang up.
    """

    def __init__(
        self,
        catalogue: SqliteCatalogue,
        address: MasterAddress,
        *,
        name: str | None = None,
        alone: Callable[[], AbstractContextManager[object]] = nullcontext,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.address = address
        self._catalogue = catalogue
        self._name = name or platform.node() or "device"
        self._alone = alone
        self._silence_s = silence_s
        self._engine: Engine | None = None
        self._connection: Connection | None = None

    def sync(self) -> SyncReport:
        with self._alone():
            report: SyncReport = self._talk(self._meet_and_exchange)
        return report

    def begin_again(self) -> SyncReport:
        """Compare everything anew, also with a master that was set back; what either side has is kept."""
        with self._alone():
            with self._catalogue.writing() as stores:
                binding = load_binding(stores.connection)
                if binding is not None:
                    begin_again(stores.connection, binding)
            report: SyncReport = self._talk(self._meet_and_exchange)
        return report

    def join(self) -> SyncReport:
        """Leave the master that this device was in step with, and bring everything here to this one."""
        with self._alone():
            self.close()
            report: SyncReport = self._talk(lambda connection: self._meet_and_exchange(connection, joins=True))
        return report

    def state(self) -> MasterState:
        try:
            state: MasterState = self._talk(lambda connection: self._read_state(connection, None))
        except CratehandError as error:
            return self._read_state(None, str(error))
        return state

    def _read_state(self, connection: Connection | None, problem: str | None) -> MasterState:
        return read_state(self._catalogue, self.address, connection, problem)

    def waiting(self) -> int:
        with self._catalogue.reading() as stores:
            row = stores.connection.exec_driver_sql("SELECT count(*) FROM changes WHERE error IS NULL").one()
        return int(row[0])

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _talk(self, work: Callable[[Connection], Any]) -> Any:
        """Do something on the connection; hang up where that fails, since nobody knows what state it is in."""
        with talking(self.address):
            if self._connection is None:
                self._engine = open_engine(self.address)
                self._connection = self._engine.connect()
                try:
                    self._greet(self._connection)
                except BaseException:
                    self.close()
                    raise
            try:
                return work(self._connection)
            except BaseException:
                self.close()
                raise

    def _greet(self, connection: Connection) -> None:
        with patience(connection, silence_s=self._silence_s), connection.begin():
            require_server(connection, self.address)
            require_version(connection, self.address)
        self._met = False

    def _meet_and_exchange(self, connection: Connection, *, joins: bool = False) -> SyncReport:
        if not self._met or joins:
            binding = self._meet(connection, joins=joins)
            self._met = True
        else:
            with self._catalogue.reading() as stores:
                known = load_binding(stores.connection)
            assert known is not None
            binding = known
        return self._exchange(connection, binding)

    def _meet(self, connection: Connection, *, joins: bool) -> Binding:
        """Say who we are, and see that nobody else says the same."""
        with patience(connection, silence_s=self._silence_s), connection.begin():
            master = read_master_id(connection)
        binding = self._bound(master, joins=joins)
        with patience(connection, silence_s=self._silence_s), connection.begin():
            held = self._held_turn(connection, binding)
        if held in (None, binding.turn, binding.next_turn):
            # Noted before it is said: whatever dies in between, one of the two is what the master has.
            binding = replace(binding, turn=held or "", next_turn=fresh_name(), name=self._name)
            self._keep(binding)
            with patience(connection, silence_s=self._silence_s), connection.begin():
                is_mine = self._take_turn(connection, binding)
            if is_mine:
                binding = replace(binding, turn=binding.next_turn)
                self._keep(binding)
                return binding
        _log.warning(
            "another device has met the master as %s since: this catalogue or that one is a copy, or was brought back "
            "from a backup; this one goes on as a device of its own",
            binding.device,
        )
        with self._catalogue.writing() as stores:
            become_another(stores.connection, binding)
        return self._meet(connection, joins=False)

    def _bound(self, master: str, *, joins: bool) -> Binding:
        with self._catalogue.writing() as stores:
            binding = load_binding(stores.connection)
            if binding is None or (joins and binding.master != master):
                binding = bind(stores.connection, master, device=binding.device if binding else None)
        if binding.master != master:
            raise ConflictError(
                f"{self.address.spoken}, collection {self.address.collection}, is not the collection that this device "
                "is in step with; nothing was changed. Mend [master] url and collection, or bring all that is here "
                "into this one with `cratehand master sync --join`"
            )
        return binding

    def _keep(self, binding: Binding) -> None:
        with self._catalogue.writing() as stores:
            save_binding(stores.connection, binding)

    @staticmethod
    def _held_turn(connection: Connection, binding: Binding) -> str | None:
        row = connection.exec_driver_sql(
            "SELECT turn FROM devices WHERE device = %s FOR UPDATE", (binding.device,)
        ).first()
        return None if row is None else str(row[0])

    def _take_turn(self, connection: Connection, binding: Binding) -> bool:
        if (self._held_turn(connection, binding) or "") != binding.turn:
            return False
        connection.exec_driver_sql(
            "INSERT INTO devices (device, name, turn, seen, met_at_s) VALUES (%s, %s, %s, %s, %s) ON CONFLICT (device) "
            "DO UPDATE SET name = excluded.name, turn = excluded.turn, seen = excluded.seen, "
            "met_at_s = excluded.met_at_s",
            (binding.device, self._name, binding.next_turn, binding.seen, time.time()),
        )
        return True

    def _exchange(self, connection: Connection, binding: Binding) -> SyncReport:
        pulled = pushed = conflicts = refused = 0
        is_prepared = False
        for _ in range(_TURNS):
            while (taken := self._pull(connection, binding)) is not None:
                binding, rows, settled = taken
                pulled, conflicts = pulled + rows, conflicts + settled
            while (collected := self._collect(binding, is_prepared=is_prepared)) is not None:
                is_prepared, (binding, outgoing) = True, collected
                sent = self._push(connection, binding, outgoing)
                if sent is None:
                    break
                binding = sent
                pushed, refused = pushed + outgoing.size(), refused + len(outgoing.refused)
            else:
                if pulled:
                    self._tell_how_far(connection, binding)
                return SyncReport(pulled=pulled, pushed=pushed, conflicts=conflicts, refused=refused)
        raise UnavailableError(f"other devices keep the master {self.address.spoken} busy", retry_after_s=5.0)

    def _tell_how_far(self, connection: Connection, binding: Binding) -> None:
        with patience(connection, silence_s=self._silence_s), connection.begin():
            connection.exec_driver_sql(
                "UPDATE devices SET seen = %s, met_at_s = %s WHERE device = %s",
                (binding.seen, time.time(), binding.device),
            )

    def _pull(self, connection: Connection, binding: Binding) -> tuple[Binding, int, int] | None:
        with patience(connection, silence_s=self._silence_s), connection.begin():
            head = read_head(connection, binding.seen)
        self._require_known(head, binding)
        if head.revision == binding.seen:
            return None
        while True:
            with self._catalogue.reading() as stores:
                deleted = [row[0] for row in stores.connection.exec_driver_sql(_DELETED_HERE)]
            with patience(connection, silence_s=self._silence_s), connection.begin():
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                incoming = fetch(connection, binding.seen, pushing=binding.pushing, whole=deleted)
            if incoming is None:
                return None
            try:
                with self._catalogue.writing() as stores:
                    settled = TakingOver(stores.connection, incoming, binding).run()
                    binding = replace(binding, seen=incoming.upto, token=incoming.token)
                    save_binding(stores.connection, binding)
            except ReadAgainError:
                continue
            return binding, incoming.size(), settled

    def _require_known(self, head: Head, binding: Binding) -> None:
        if binding.seen and head.token_at_seen != binding.token:
            raise ConflictError(
                f"the master {self.address.spoken} was set back, e.g. to an older backup: this device has seen push "
                f"{binding.seen}, which is not there (it ends at {head.revision}). Nothing was changed on either side. "
                "`cratehand master sync --again` compares everything and brings back what the master lost"
            )

    def _collect(self, binding: Binding, *, is_prepared: bool) -> tuple[Binding, Outgoing] | None:
        with self._catalogue.reading() as stores:
            if stores.connection.exec_driver_sql("SELECT 1 FROM changes WHERE error IS NULL LIMIT 1").first() is None:
                return None
        with self._catalogue.writing() as stores:
            if not is_prepared:
                twice = [row[0] for row in stores.connection.exec_driver_sql(_DIGESTS_TWICE)]
                unite(stores.connection, binding.device, twice)
            if (outgoing := collect(stores.connection)) is None:
                return None
            binding = replace(binding, pushing=fresh_name())
            save_binding(stores.connection, binding)
            return binding, outgoing

    def _push(self, connection: Connection, binding: Binding, outgoing: Outgoing) -> Binding | None:
        """Push; None where somebody else was quicker and there is something to take over first."""
        revision, token = binding.seen + 1, binding.pushing
        with patience(connection, silence_s=self._silence_s), connection.begin() as transaction:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended(current_schema(), 0))")
            head = read_head(connection, binding.seen)
            self._require_known(head, binding)
            if head.revision != binding.seen:
                transaction.rollback()
                return None
            write(connection, outgoing, device=binding.device, revision=revision)
            connection.exec_driver_sql(
                "INSERT INTO pushes (revision, token, device, at_s, size) VALUES (%s, %s, %s, %s, %s)",
                (revision, token, binding.device, time.time(), outgoing.size()),
            )
            connection.exec_driver_sql("UPDATE devices SET seen = %s WHERE device = %s", (revision, binding.device))
            connection.exec_driver_sql(
                "SELECT pg_notify(%s, %s)", (self.address.schema, f"{revision} {binding.device}")
            )
        binding = replace(binding, seen=revision, token=token)
        with self._catalogue.writing() as stores:
            acknowledge(stores.connection, outgoing)
            save_binding(stores.connection, binding)
        return binding
