"""The master: what a device and it tell each other about how far they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport:
    """What one meeting with the master did; numbers of rows."""

    pulled: int = 0
    pushed: int = 0
    conflicts: int = 0
    """Things that two devices had changed; settled, see `MasterState.conflicts`."""
    refused: int = 0
    """Rows that the master did not take; they stay here."""

    @property
    def is_empty(self) -> bool:
        """Whether both sides had nothing new."""
        return not (self.pulled or self.pushed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledConflict:
    """Something that two devices changed without knowing of each other, and what was kept."""

    at_s: float
    what: str
    """``facts``, ``playlist``, ``cues`` ..."""
    where: str
    """Track or playlist."""
    field: str
    kept: str
    """In short; what it is now the catalogue says."""
    lost: str
    """In full, so that it can be had back: text as it is, all else (the cues of a track, a position) as JSON."""
    kept_by: str
    lost_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A row that one side could not take over."""

    what: str
    where: str
    side: str
    """Who did not take it: ``master`` or ``device``."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDevice:
    """A device that is in step with the same collection."""

    device: str
    name: str
    behind: int
    """Pushes that it has not seen."""
    met_at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterState:
    """How device and master stand."""

    address: str
    """Without the password."""
    collection: str
    device: str
    """Name of this device there; empty where it never met the master."""
    waiting: int
    """Changes of this device that the master does not have."""
    behind: int | None
    """Pushes of others that this device does not have; None where the master can't be asked."""
    problem: str | None = None
    """Why the master can't be asked."""
    server: str = ""
    devices: Sequence[KnownDevice] = ()
    conflicts: Sequence[SettledConflict] = ()
    set_aside: Sequence[SetAside] = ()


class Master(Protocol):
    """The truth that several devices keep in step with. Synchronous, may block for as long as the network does."""

    def sync(self) -> SyncReport:
        """Take over what is new there, push what is new here.

        Raises:
            UnavailableError: It does not answer, or is full.
            UnauthorizedError: It does not know us, or does not let us write.
            UnsupportedError: Its schema is of a newer cratehand, or it is too old.
            NotFoundError: The database or the collection is not there.
            ConflictError: It is another master than the one this device was in step with, or was set back.
        """
        ...

    def state(self) -> MasterState:
        """Return how both sides stand; never raises because of the master."""
        ...

    def waiting(self) -> int:
        """Return how many changes wait here, without asking the master."""
        ...

    def close(self) -> None:
        """Hang up."""
        ...
