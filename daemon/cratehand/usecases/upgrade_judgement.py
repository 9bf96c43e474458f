"""Is this file a better copy of that track? Same recording, really better, aligned to the sample: or why not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cratehand.analysis.alignment import LocalOffsets, local_offsets, make_alignment
from cratehand.analysis.copy_bands import HOP_S, WINDOW_HOPS
from cratehand.analysis.copy_likeness import CopyLikeness, compare_copies
from cratehand.analysis.copy_relation import CopyFindings, relate
from cratehand.analysis.copy_standing import compare_standing
from cratehand.analysis.fingerprint_match import FingerprintMatch, match_fingerprints, read_fingerprint
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.audio_quality import AudioQuality
from cratehand.domain.fields import Field
from cratehand.domain.ports import AudioReader, Fingerprinter, TagReader
from cratehand.domain.upgrade import CopyEvidence, CopyName, Judgement, Relation, Standing
from cratehand.usecases.pair_listening import HeardCopy, HeardPair, PairListening


class QualityMeter(Protocol):
    """Takes one signal block by block and gives the verdict on it."""

    def feed(self, samples: Samples) -> None: ...

    def finish(self) -> AudioQuality: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementTools:
    """The abilities that a judgement takes."""

    reader: AudioReader
    tags: TagReader
    fingerprinter: Fingerprinter
    quality_meter: Callable[[AudioFormat], QualityMeter]


class UpgradeJudgement:
    """Judges pairs of files. Blocking and busy for up to some seconds a pair: call it in a lane or a worker."""

    def __init__(self, tools: JudgementTools) -> None:
        self._tools = tools

    def judge(
        self,
        current: Path,
        candidate: Path,
        *,
        current_name: CopyName | None = None,
        candidate_name: CopyName | None = None,
    ) -> Judgement:
        """Say whether the candidate may take the place of the current file.

        Both files are decoded once, side by side; memory stays bounded whatever their length.

        Args:
            current: File of the track.
            candidate: The file that landed.
            current_name: What the catalogue believes of its name; its tags, then its file name where None.
            candidate_name: The same for the candidate.

        Raises:
            NotFoundError: One of the files is not there.
            CorruptFileError: One of them can't be decoded to its end; says which.
            UnsupportedError: One is protected, or of a kind that can't be decoded here.
            UnavailableError: One can't be opened now.
        """
        tools = self._tools
        listening = PairListening(tools.reader, tools.fingerprinter, tools.quality_meter)
        pair = listening.listen(current, candidate)
        names = (current_name or self._name(current), candidate_name or self._name(candidate))
        known, landed = (
            _evidence(path, copy, name)
            for path, copy, name in zip((current, candidate), (pair.current, pair.candidate), names, strict=True)
        )
        return _conclude(known, landed, pair)

    def _name(self, path: Path) -> CopyName:
        tags = self._tools.tags.tags(path)
        texts = [tags.get(field) for field in (Field.TITLE, Field.ARTIST, Field.MIX)]
        title, artist, mix = (text if isinstance(text, str) and text.strip() else None for text in texts)
        return CopyName(title=title, artist=artist, mix=mix)


def _evidence(path: Path, copy: HeardCopy, name: CopyName) -> CopyEvidence:
    return CopyEvidence(
        path=path,
        format=copy.format,
        name=name,
        duration_s=copy.listener.duration_s,
        sounding_start_s=copy.listener.sounding_start_s,
        sounding_end_s=copy.listener.sounding_end_s,
        fingerprint=copy.fingerprint,
        quality=copy.quality,
    )


def _conclude(current: CopyEvidence, candidate: CopyEvidence, pair: HeardPair) -> Judgement:
    likeness = compare_copies(pair.bands)
    offsets = local_offsets(pair.bands, window_s=WINDOW_HOPS * HOP_S)
    match = _match(current.fingerprint, candidate.fingerprint)
    alignment = None
    if likeness is not None and offsets.is_constant:
        alignment = make_alignment(pair.head_offset, offsets, likeness)
    findings = CopyFindings(likeness=likeness, offsets=offsets, match=match, alignment=alignment)
    relation, reason = relate(current, candidate, findings)
    numbers = _numbers(current, candidate, likeness, offsets, match)
    better, why = Standing.CANNOT_TELL, ""
    if relation is Relation.SAME and likeness is not None:
        peaks = (pair.current.listener.peaks_db(), pair.candidate.listener.peaks_db())
        better, why = compare_standing(current, candidate, likeness, peaks_db=peaks)
        reason = f"{reason}; {why}"
    return Judgement(
        current=current,
        candidate=candidate,
        relation=relation,
        better=better,
        accepted=relation is Relation.SAME and better is Standing.BETTER and alignment is not None,
        reason=reason,
        alignment=alignment,
        numbers=numbers,
    )


def _match(one: str | None, other: str | None) -> FingerprintMatch | None:
    if one is None or other is None:
        return None
    return match_fingerprints(read_fingerprint(one), read_fingerprint(other))


def _numbers(
    current: CopyEvidence,
    candidate: CopyEvidence,
    likeness: CopyLikeness | None,
    offsets: LocalOffsets,
    match: FingerprintMatch | None,
) -> dict[str, float]:
    numbers = {
        "current_duration_s": current.duration_s,
        "candidate_duration_s": candidate.duration_s,
        "current_sounding_s": current.sounding_s,
        "candidate_sounding_s": candidate.sounding_s,
        "steady_offset_share": offsets.fitting_share,
        "drift_ppm": offsets.drift_ppm,
    }
    if match is not None:
        numbers |= {
            "fingerprint_ber": match.ber,
            "worst_window_ber": match.worst_window_ber,
            "fingerprint_shift_s": match.shift_s,
        }
    if likeness is not None:
        names = (
            "correlation", "gain_db", "residual_db", "high_residual_db", "cell_residual_db", "level_change_95_db",
            "level_change_99_db", "band_change_db", "gain_change_db",
        )  # fmt: skip
        numbers |= {name: getattr(likeness, name) for name in names}
    return {name: round(value, 4) for name, value in numbers.items()}
