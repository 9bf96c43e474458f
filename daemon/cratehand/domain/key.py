"""Musical key, its notations, and how far two keys lie apart for a mix."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cratehand.domain.errors import InvalidInputError

TONICS: Final = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""The twelve tonics in the spelling of surface.md, indexed by pitch class (C = 0)."""

_PITCH_CLASSES: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_WORDS: Final = re.compile(
    r"^\s*(?P<letter>[A-Ga-g])\s*(?P<accidental>[#b♯♭]*)\s*-?(?P<mode>(?i:maj(?:or)?|min(?:or)?|dur|moll)|m|M|)\s*$"
)
_CAMELOT: Final = re.compile(r"^\s*0?(?P<number>1[0-2]|[1-9])\s*(?P<letter>[ABab])\s*$")
_OPEN_KEY: Final = re.compile(r"^\s*0?(?P<number>1[0-2]|[1-9])\s*(?P<letter>[dmDM])\s*$")


class Mode(StrEnum):
    """Major or minor."""

    MAJOR = "major"
    MINOR = "minor"


@dataclass(frozen=True, slots=True, kw_only=True)
class MusicalKey:
    """Tonic and mode. `tonic` is a pitch class, C = 0 ... B = 11."""

    tonic: int
    mode: Mode

    def __post_init__(self) -> None:
        if not 0 <= self.tonic <= 11:
            raise InvalidInputError(f"a tonic is 0..11, not {self.tonic}")

    def __str__(self) -> str:
        return f"{TONICS[self.tonic]} {self.mode}"

    @property
    def camelot(self) -> str:
        """Camelot wheel notation: A minor is ``8A``, C major is ``8B``; a fifth up adds one hour."""
        return f"{self._hour}{'A' if self.mode is Mode.MINOR else 'B'}"

    @property
    def open_key(self) -> str:
        """Open Key notation (Traktor): A minor is ``1m``, C major is ``1d``."""
        return f"{(self._hour - 8) % 12 + 1}{'m' if self.mode is Mode.MINOR else 'd'}"

    @property
    def short(self) -> str:
        """The notation Rekordbox shows by default: ``Am``, ``F#m``, ``C``."""
        return TONICS[self.tonic] + ("m" if self.mode is Mode.MINOR else "")

    @property
    def _hour(self) -> int:
        relative_major = self.tonic if self.mode is Mode.MAJOR else (self.tonic + 3) % 12
        return (relative_major * 7 + 7) % 12 + 1

    def camelot_steps(self, other: "MusicalKey") -> int:
        """Steps on the Camelot wheel, 0..6 around it plus one for a change of the ring."""
        around = abs(self._hour - other._hour)
        return min(around, 12 - around) + (self.mode is not other.mode)


def mixable(key: MusicalKey) -> frozenset[str]:
    """Return the Camelot codes that mix with a key: itself, an hour to either side, the other ring at its hour."""
    hour, ring = int(key.camelot[:-1]), key.camelot[-1]
    beside = {f"{(hour + step - 1) % 12 + 1}{ring}" for step in (-1, 0, 1)}
    return frozenset(beside | {f"{hour}{'B' if ring == 'A' else 'A'}"})


def parse_key(text: str) -> MusicalKey | None:
    """Read a key in any notation that DJ programs write: ``Am``, ``A minor``, ``F#min``, ``Dbm``, ``8A``, ``1m``.

    Returns:
        The key, or None where the text names none (empty, "All", free words).
    """
    if match := _CAMELOT.match(text):
        return _from_hour(int(match["number"]), Mode.MINOR if match["letter"] in "Aa" else Mode.MAJOR)
    if match := _OPEN_KEY.match(text):
        return _from_hour((int(match["number"]) + 6) % 12 + 1, Mode.MINOR if match["letter"] in "mM" else Mode.MAJOR)
    if not (match := _WORDS.match(text)):
        return None
    sharps = sum({"#": 1, "♯": 1, "b": -1, "♭": -1}[sign] for sign in match["accidental"])
    word = match["mode"]
    minor = word == "m" or word.lower().startswith(("min", "mol"))
    tonic = (_PITCH_CLASSES[match["letter"].upper()] + sharps) % 12
    return MusicalKey(tonic=tonic, mode=Mode.MINOR if minor else Mode.MAJOR)


def _from_hour(hour: int, mode: Mode) -> MusicalKey:
    relative_major = (hour - 8) * 7 % 12
    return MusicalKey(tonic=relative_major if mode is Mode.MAJOR else (relative_major - 3) % 12, mode=mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStretch:
    """A stretch of a track in one key, until the next one begins."""

    start_s: float
    key: MusicalKey
