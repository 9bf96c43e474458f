"""What a look at one thing found."""

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How bad it is."""

    GOOD = "good"
    NOTE = "note"
    """Usable; something may be missing that not everybody needs."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of `cratehand doctor`."""

    check: str
    health: Health
    finding: str
    fix: str = ""
    """What to do, a command where there is one; empty where nothing is to be done."""


def good(check: str, finding: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(check=check, health=Health.GOOD, finding=finding)


def note(check: str, finding: str, fix: str = "") -> Finding:
    """Return a finding that is worth a word."""
    return Finding(check=check, health=Health.NOTE, finding=finding, fix=fix)


def broken(check: str, finding: str, fix: str) -> Finding:
    """Return a finding that has to be mended."""
    return Finding(check=check, health=Health.BROKEN, finding=finding, fix=fix)
