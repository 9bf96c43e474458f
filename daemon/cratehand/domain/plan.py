"""What would be done, before it is done."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of a plan, in words a DJ understands."""

    what: str
    """E.g. ``write``, ``set tempo_bpm``, ``add playlist``."""
    where: str
    """File, track or playlist that changes."""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps that belong together; shown by a dry run, applied as they stand."""

    why: str
    changes: tuple[Change, ...] = ()
