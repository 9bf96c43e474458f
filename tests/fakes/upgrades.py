"""Upgrades with a judge that says what it was told, and an index that compares texts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cratehand.audio.file_swap import DiskSwapper
from cratehand.audio.tag_writing import MutagenTagWriter
from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.audio_quality import AudioQuality, QualityVerdict
from cratehand.domain.errors import CorruptFileError
from cratehand.domain.events import Event
from cratehand.domain.ids import TrackId
from cratehand.domain.plan_record import PlanRecord
from cratehand.domain.ports import Clock
from cratehand.domain.upgrade import Alignment, CopyEvidence, CopyName, Judgement, KnownSound, Relation, Standing
from cratehand.usecases.copy_search import LikelyTrack
from cratehand.usecases.duplicates import Duplicates
from cratehand.usecases.file_upgrade import FileUpgrade, UpgradeParts
from cratehand.usecases.history import History
from cratehand.usecases.missing import Missing
from cratehand.usecases.plan_files import PlanFiles
from cratehand.usecases.repair import Repair
from cratehand.usecases.tag_plans import TagPlans
from cratehand.usecases.upgrades import Upgrades
from tests.fakes.clock import counting_ids
from tests.fakes.readings import FLAC


class TextIndex:
    """`FingerprintIndex` that finds equal texts."""

    def __init__(self) -> None:
        self.known: dict[TrackId, str] = {}

    def add(self, track: TrackId, fingerprint: str) -> None:
        self.known[track] = fingerprint

    def remove(self, track: TrackId) -> None:
        self.known.pop(track, None)

    def tracks(self) -> frozenset[TrackId]:
        return frozenset(self.known)

    def candidates(self, fingerprint: str, *, limit: int = 10) -> Sequence[tuple[TrackId, float]]:
        return [(track, 1.0) for track, text in self.known.items() if text == fingerprint][:limit]

    def likely(self, fingerprint: str) -> Sequence[LikelyTrack]:
        return [LikelyTrack(track=track, ber=0.0) for track, _ in self.candidates(fingerprint)]


@dataclass(kw_only=True)
class FakeJudge:
    """Says of each candidate what it was told."""

    accepted: bool = True
    relation: Relation = Relation.SAME
    offset_s: float = 0.025
    asked: list[tuple[Path, Path]] = field(default_factory=list)
    told: list[KnownSound | None] = field(default_factory=list)
    """What was known of the current file, each time."""
    broken: set[str] = field(default_factory=set)
    """Names of candidates that can't be decoded."""

    def __call__(self, current: Path, candidate: Path, name: CopyName | None, sound: KnownSound | None) -> Judgement:
        self.asked.append((current, candidate))
        self.told.append(sound)
        if candidate.name in self.broken:
            raise CorruptFileError(f"{candidate}: is cut off")
        offset_s = self.offset_s
        return Judgement(
            current=_evidence(current),
            candidate=_evidence(candidate),
            relation=self.relation,
            better=Standing.BETTER if self.accepted else Standing.EQUAL,
            accepted=self.accepted,
            reason="better by the judge's word" if self.accepted else "equal is not better",
            alignment=Alignment(
                offset_s=offset_s, start_offset_s=offset_s, middle_offset_s=offset_s, end_offset_s=offset_s,
                drift_ppm=0.0, correlation=1.0, residual_db=-20.0, gain_db=0.0,
            ),
        )  # fmt: skip


def _evidence(path: Path) -> CopyEvidence:
    quality = AudioQuality(verdict=QualityVerdict.GENUINE)
    return CopyEvidence(
        path=path, format=FLAC, name=CopyName(), duration_s=1.0, sounding_start_s=0.0, sounding_end_s=1.0,
        quality=quality,
    )  # fmt: skip


def make_fake_upgrades(
    catalogue: SqliteCatalogue,
    folder: Path,
    *,
    clock: Clock,
    publish: Callable[[Event], None],
    judge: FakeJudge | None = None,
    fingerprints: Mapping[str, str] | None = None,
) -> Upgrades:
    """Put everything together; `fingerprints` gives those of landed files by name."""
    files, new_id, index = DiskSwapper(), counting_ids(), TextIndex()
    history = History(
        catalogue,
        files=PlanFiles(files, MutagenTagWriter(), trash=folder / "trash"),
        clock=clock,
        new_id=new_id,
        publish=publish,
    )

    def apply(plan_id: str, who: str) -> PlanRecord:
        return upgrades.applied(history.apply(plan_id, who=who))

    known = fingerprints or {}
    parts = UpgradeParts(
        judge=judge or FakeJudge(),
        listen=lambda path: known.get(path.name),
        likely=index.likely,
        index=index,
        files=files,
    )
    upgrades = Upgrades(
        history=history,
        finding=FileUpgrade(catalogue, parts, clock=clock, new_id=new_id, publish=publish),
        duplicates=Duplicates(catalogue, index.likely),
        missing=Missing(catalogue, index.likely, files=files, clock=clock, new_id=new_id, apply=apply),
        tags=TagPlans(catalogue, files=files, clock=clock, new_id=new_id, apply=apply),
        repair=Repair(catalogue, clock=clock, new_id=new_id, apply=apply),
        exports=folder / "exports",
        write_xml=lambda path, playlist: None,
    )
    return upgrades
