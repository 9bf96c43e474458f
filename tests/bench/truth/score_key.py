"""Scores of key: the weights of MIREX, and what mixes on the Camelot wheel."""

from typing import Final

TONICS: Final = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_SAME_AS: Final = {
    "Db": "C#",
    "D#": "Eb",
    "Gb": "F#",
    "G#": "Ab",
    "A#": "Bb",
    "Cb": "B",
    "B#": "C",
    "E#": "F",
    "Fb": "E",
}


def parts(key: str) -> tuple[int, bool]:
    """Return pitch class (C = 0) and whether it is minor, of ``F# minor`` and the like.

    Raises:
        ValueError: It is no key in words.
    """
    tonic, _, mode = key.strip().partition(" ")
    if mode not in ("major", "minor"):
        raise ValueError(f"no key in words: {key!r}")
    return TONICS.index(_SAME_AS.get(tonic, tonic)), mode == "minor"


def mirex(said: str | None, true: str) -> float:
    """Return 1 for the right key, 0.5 for a perfect fifth above in the same mode, 0.3 for the relative, 0.2 parallel.

    As MIREX audio key detection and mir_eval weigh it; a fifth below is 0 there and here.
    """
    if said is None:
        return 0.0
    (tonic, minor), (true_tonic, true_minor) = parts(said), parts(true)
    if (tonic, minor) == (true_tonic, true_minor):
        return 1.0
    if minor == true_minor and (tonic - true_tonic) % 12 == 7:
        return 0.5
    if minor != true_minor and (tonic - true_tonic) % 12 == (9 if minor else 3):
        return 0.3
    if minor != true_minor and tonic == true_tonic:
        return 0.2
    return 0.0


def camelot_compatible(said: str | None, true: str) -> bool:
    """Whether the said key mixes with the true one: the same, an hour away in the same ring, or the same hour."""
    if said is None:
        return False
    hour, minor = _camelot(said)
    true_hour, true_minor = _camelot(true)
    around = min((hour - true_hour) % 12, (true_hour - hour) % 12)
    return around + (minor != true_minor) <= 1


def _camelot(key: str) -> tuple[int, bool]:
    tonic, minor = parts(key)
    return ((tonic + 3 if minor else tonic) * 7 + 7) % 12 + 1, minor
