"""Same recording in the same master, related, or different: the rule, with its reason in words."""

from dataclasses import dataclass
from typing import Final

from cratehand.analysis.alignment import LocalOffsets
from cratehand.analysis.copy_likeness import CopyLikeness
from cratehand.analysis.fingerprint_match import FingerprintMatch
from cratehand.domain.audio_quality import QualityFinding
from cratehand.domain.track_names import Name, parse_name
from cratehand.domain.upgrade import Alignment, CopyEvidence, CopyName, Relation

_RELATED_BER: Final = 0.25
"""Chance is 0.5, other tracks stay above 0.39; remasters, edits and copies re-pitched by 0.3 % lie below."""
_MISSING_S: Final = 0.1
_LONGER_S: Final = 1.5
_SHORTEST_S: Final = 3.0
_MOST_SILENCE_S: Final = 12.0
"""Of silence more or less at the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFindings:
    """What was measured on a pair."""

    likeness: CopyLikeness | None
    """None where too little sounds in both."""
    offsets: LocalOffsets
    match: FingerprintMatch | None
    alignment: Alignment | None
    """None where no single offset serves the whole track."""


def relate(current: CopyEvidence, candidate: CopyEvidence, found: CopyFindings) -> tuple[Relation, str]:
    """Return the relation of two copies and the reason, a clause that a DJ understands."""
    for copy in (current, candidate):
        if copy.sounding_s < _SHORTEST_S:
            return Relation.DIFFERENT, f"{copy.path.name} has too little sound to be judged"
    likeness, alignment = found.likeness, found.alignment
    if likeness is None or likeness.residual_db > -6.0 or alignment is None:
        return _unaligned(current, candidate, found)
    # From here on the waveforms themselves agree in large part.
    objection = likeness.objection or _length_objection(current, candidate, alignment)
    objection = objection or version_objection(current.name, candidate.name, paths=(current, candidate))
    if objection is not None:
        return Relation.RELATED, objection
    polarity = ", with the polarity inverted" if likeness.inverted else ""
    return Relation.SAME, f"the same recording{polarity}"


def _unaligned(current: CopyEvidence, candidate: CopyEvidence, found: CopyFindings) -> tuple[Relation, str]:
    ber = 1.0 if found.match is None else found.match.ber
    if found.likeness is not None and found.likeness.residual_db <= -6.0:
        return Relation.RELATED, "the two drift apart or jump against each other: another speed, or an edit"
    if ber <= _RELATED_BER:
        return Relation.RELATED, "they sound alike but can't be aligned: another speed, pitch, edit or mix"
    if _same_title(_name(current.name), _name(candidate.name)):
        return Relation.RELATED, "they have the same name, but the sound is another"
    return Relation.DIFFERENT, "another recording"


def _length_objection(current: CopyEvidence, candidate: CopyEvidence, alignment: Alignment) -> str | None:
    """Look at what one of them has beyond the other; silence does not count."""
    offset_s = alignment.offset_s
    missing_start_s = -(current.sounding_start_s + offset_s)
    missing_end_s = current.sounding_end_s + offset_s - candidate.duration_s
    if missing_start_s > _MISSING_S:
        return f"it lacks the first {missing_start_s:.1f} s"
    if missing_end_s > _MISSING_S:
        return f"it lacks the last {missing_end_s:.1f} s"
    if abs(offset_s) > _MOST_SILENCE_S:
        return f"it begins {abs(offset_s):.0f} s {'later' if offset_s > 0 else 'earlier'}"
    # A current file that was cut off may well be replaced by a whole one.
    if QualityFinding.TRUNCATED in current.quality.findings:
        return None
    more_start_s = current.sounding_start_s + offset_s - candidate.sounding_start_s
    more_end_s = candidate.sounding_end_s - offset_s - current.sounding_end_s
    if more_start_s > _LONGER_S:
        return f"it has {more_start_s:.1f} s more at its start"
    if more_end_s > _LONGER_S:
        return f"it has {more_end_s:.1f} s more at its end"
    return None


def version_objection(
    current: CopyName, candidate: CopyName, *, paths: tuple[CopyEvidence, CopyEvidence]
) -> str | None:
    """Return what the version words of the two names say against one recording; None where they agree.

    Where a copy has no title, its file name may name a version, but its silence means nothing.
    """
    names = [_name(each) for each in (current, candidate)]
    titled = [each.title is not None for each in (current, candidate)]
    for row in (0, 1):
        if not titled[row]:
            names[row] = parse_name(None, paths[row].path.stem.replace("_", " "))
    one, other = names[0].version, names[1].version
    # A file name without version words is no claim to be the plain one.
    silent = any(not named and not version.kinds for named, version in zip(titled, (one, other), strict=True))
    if silent or one.agreement(other) > 0.0 or (one.kinds == other.kinds and not all(titled)):
        return None
    words = " / ".join(" ".join(sorted(version.kinds | version.names)) or "plain" for version in (one, other))
    return f"their names speak of different versions ({words})"


def _name(name: CopyName) -> Name:
    return parse_name(name.artist, name.title, mix=name.mix)


def _same_title(one: Name, other: Name) -> bool:
    return bool(one.title) and one.title == other.title and bool(one.artists & other.artists)
