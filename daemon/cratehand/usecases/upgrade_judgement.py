"""Is this file a better copy of that track? Same recording, really better, aligned to the sample: or why not."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cratehand.analysis.alignment import LocalOffsets, local_offsets, make_alignment
from cratehand.analysis.codec_rounding import RoundingEvidence, leaves_traces, rounding_evidence
from cratehand.analysis.copy_bands import HOP_S, WINDOW_HOPS
from cratehand.analysis.copy_likeness import CopyLikeness, compare_copies
from cratehand.analysis.copy_relation import CopyFindings, relate
from cratehand.analysis.copy_standing import compare_standing, rounding_decides, search_decides
from cratehand.analysis.fingerprint_match import FingerprintMatch, match_fingerprints, read_fingerprint
from cratehand.domain.audio import AudioFormat
from cratehand.domain.fields import Field
from cratehand.domain.ports import AudioReader, Fingerprinter, TagReader
from cratehand.domain.upgrade import CopyEvidence, CopyName, Judgement, KnownSound, Relation, Standing
from cratehand.usecases.pair_listening import HeardCopy, HeardPair, PairListening, QualityMeter
from cratehand.usecases.second_listening import aligned_stretches


def _size_bytes(path: Path) -> int:
    return path.stat().st_size


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementTools:
    """The abilities that a judgement takes."""

    reader: AudioReader
    tags: TagReader
    fingerprinter: Fingerprinter
    quality_meter: Callable[[AudioFormat], QualityMeter]
    size_bytes: Callable[[Path], int] = _size_bytes


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
        current_known: KnownSound | None = None,
    ) -> Judgement:
        """Say whether the candidate may take the place of the current file.

        Both files are decoded once, side by side; memory stays bounded whatever their length.

        Args:
            current: File of the track.
            candidate: The file that landed.
            current_name: What the catalogue believes of its name; its tags, then its file name where None.
            candidate_name: The same for the candidate.
            current_known: What the catalogue knows of the sound of the current file, so that it need not be measured.

        Raises:
            NotFoundError: One of the files is not there.
            CorruptFileError: One of them can't be decoded to its end; says which.
            UnsupportedError: One is protected, or of a kind that can't be decoded here.
            UnavailableError: One can't be opened now.
        """
        tools = self._tools
        listening = PairListening(tools.reader, tools.fingerprinter, tools.quality_meter)
        pair = listening.listen(current, candidate, known=current_known)
        names = (current_name or self._name(current), candidate_name or self._name(candidate))
        known, landed = (
            _evidence(path, self._rated(path, copy), name)
            for path, copy, name in zip((current, candidate), (pair.current, pair.candidate), names, strict=True)
        )
        return self._conclude(known, landed, pair)

    def _conclude(self, current: CopyEvidence, candidate: CopyEvidence, pair: HeardPair) -> Judgement:
        likeness = compare_copies(pair.bands)
        offsets = local_offsets(pair.bands, window_s=WINDOW_HOPS * HOP_S)
        match = _match(current.fingerprint, candidate.fingerprint)
        alignment = None
        if likeness is not None and offsets.is_constant:
            alignment = make_alignment(pair.head_offset, offsets, likeness)
        findings = CopyFindings(likeness=likeness, offsets=offsets, match=match, alignment=alignment)
        relation, reason = relate(current, candidate, findings)
        numbers = _numbers(current, candidate, likeness, offsets, match)
        better = Standing.CANNOT_TELL
        if relation is Relation.SAME and likeness is not None and alignment is not None:
            compared = self._compare(current, candidate, pair, likeness, alignment.offset_s)
            current, candidate, better = compared.current, compared.candidate, compared.better
            reason, numbers = f"{reason}; {compared.why}", numbers | compared.numbers
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

    def _compare(
        self, current: CopyEvidence, candidate: CopyEvidence, pair: HeardPair, likeness: CopyLikeness, offset_s: float
    ) -> "_Compared":
        """Look closer, each time only where that can change the answer."""
        peaks = (pair.current.listener.peaks_db(), pair.candidate.listener.peaks_db())
        if search_decides(current, candidate, likeness, peaks_db=peaks, of_current=True):
            current = replace(current, quality=pair.current.verdict(True))
        rounding = None
        if rounding_decides(current, candidate, likeness, peaks_db=peaks):
            rounding = self._rounding(current, candidate, offset_s)
        if search_decides(current, candidate, likeness, peaks_db=peaks, of_current=False, rounding=rounding):
            candidate = replace(candidate, quality=pair.candidate.verdict(True))
        better, why = compare_standing(current, candidate, likeness, peaks_db=peaks, rounding=rounding)
        return _Compared(current=current, candidate=candidate, better=better, why=why, rounding=rounding)

    def _rounding(self, current: CopyEvidence, candidate: CopyEvidence, offset_s: float) -> RoundingEvidence | None:
        if not leaves_traces(current.format.codec):
            return None
        pairs = aligned_stretches(
            self._tools.reader,
            current.path,
            candidate.path,
            offset_s=offset_s,
            sounding_start_s=current.sounding_start_s,
        )
        return rounding_evidence(pairs, current.format.codec)

    def _rated(self, path: Path, copy: HeardCopy) -> HeardCopy:
        """Fill in the bit rate of what declares none, as an MP3 of a varying rate without a header; covers count in."""
        sound, duration_s = copy.format, copy.listener.duration_s
        if sound.lossless or sound.bit_rate_kbps is not None or duration_s <= 0.0:
            return copy
        rate_kbps = self._tools.size_bytes(path) * 8 / duration_s / 1000
        return replace(copy, format=replace(sound, bit_rate_kbps=round(rate_kbps, 1)))

    def _name(self, path: Path) -> CopyName:
        tags = self._tools.tags.tags(path)
        texts = [tags.get(field) for field in (Field.TITLE, Field.ARTIST, Field.MIX)]
        title, artist, mix = (text if isinstance(text, str) and text.strip() else None for text in texts)
        return CopyName(title=title, artist=artist, mix=mix)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """Both copies as far as they had to be looked at, and the answer."""

    current: CopyEvidence
    candidate: CopyEvidence
    better: Standing
    why: str
    rounding: RoundingEvidence | None

    @property
    def numbers(self) -> dict[str, float]:
        if self.rounding is None:
            return {}
        found = {"rounding_evenness": self.rounding.evenness, "rounding_zeros": self.rounding.zeros}
        return {name: round(value, 4) for name, value in found.items()}


def _evidence(path: Path, copy: HeardCopy, name: CopyName) -> CopyEvidence:
    return CopyEvidence(
        path=path,
        format=copy.format,
        name=name,
        duration_s=copy.listener.duration_s,
        sounding_start_s=copy.listener.sounding_start_s,
        sounding_end_s=copy.listener.sounding_end_s,
        fingerprint=copy.fingerprint,
        quality=copy.verdict(False),
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
            "correlation", "gain_db", "residual_db", "high_residual_db", "energy_change", "cell_residual_db",
            "level_change_95_db", "level_change_99_db", "band_change_db", "gain_change_db",
        )  # fmt: skip
        numbers |= {name: getattr(likeness, name) for name in names}
    return {name: round(value, 4) for name, value in numbers.items()}
