"""Better copies: found when a file lands or is analysed, judged, proposed as plans."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cratehand.domain.errors import CratehandError, NotFoundError
from cratehand.domain.events import PlanChanged
from cratehand.domain.fields import Field
from cratehand.domain.file_ports import FileSwapper
from cratehand.domain.folders import SeenFile
from cratehand.domain.ids import PlanId, TrackId
from cratehand.domain.plan_record import FileState, PlanKind, PlanRecord, PlanState, UpgradePair
from cratehand.domain.ports import Clock, FingerprintIndex
from cratehand.domain.provenance import SourceKind
from cratehand.domain.stores import Catalogue, IdSource, Stores
from cratehand.domain.track import FileStamp
from cratehand.domain.upgrade import CopyName, Judgement, KnownSound, Relation
from cratehand.usecases.copy_choice import KnownCopy, known_copies, upgrade_plan
from cratehand.usecases.copy_search import LikelyTrack
from cratehand.usecases.event_bus import Publish

logger = logging.getLogger(__name__)

Judge = Callable[[Path, Path, CopyName | None, KnownSound | None], Judgement]
"""Current file, candidate, name and sound of the current one to the judgement; raises as `UpgradeJudgement.judge`."""
Trial = list[UpgradePair]
"""Takes the pairs of a dry run."""
Listen = Callable[[Path], str | None]
"""Path to Chromaprint; None where it is too short to have one."""
Likely = Callable[[str], Sequence[LikelyTrack]]
"""Fingerprint to tracks that may carry the same recording, likeliest first: `CopySearch.tracks_like`."""

_MANY: Final = 100_000
_MOST_AT_ONCE: Final = 64
"""A batch of more landed files is a new collection: they become tracks at once and are compared when analysed."""
_MOST_COMPARED: Final = 4
_CRATEHAND: Final = "cratehand"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeParts:
    """The abilities that finding upgrades takes."""

    judge: Judge
    listen: Listen
    likely: Likely
    index: FingerprintIndex
    files: FileSwapper


class FileUpgrade:
    """Matches files against the collection, judges likely pairs, keeps answers and plans."""

    def __init__(
        self,
        catalogue: Catalogue,
        parts: UpgradeParts,
        *,
        clock: Clock,
        new_id: IdSource,
        publish: Publish,
    ) -> None:
        self._catalogue = catalogue
        self._parts = parts
        self._clock = clock
        self._new_id = new_id
        self._publish = publish
        self._lock = threading.Lock()
        self._waiting: dict[Path, FileStamp] = {}
        self._released: dict[Path, FileStamp] = {}
        self.on_waiting: Callable[[], None] | None = None
        """Called when something waits to be judged; where nobody cares for that, nothing is held back."""
        self.silent: Callable[[], bool] = lambda: False
        """Whether nothing would be judged now: then a landed file is a track at once, and compared when analysed."""
        self._findable = False

    # --- landed files -------------------------------------------------------------------------------------------

    def hold(self, landed: Sequence[SeenFile]) -> frozenset[Path]:
        """Say which landed files are no tracks now: candidates of open plans, files of busy ones, the unjudged."""
        with self._catalogue.reading() as stores:
            plans = stores.plans.list(
                states=[PlanState.OPEN, PlanState.APPLYING, PlanState.UNDOING], kinds=[PlanKind.UPGRADE], limit=_MANY
            )
            judged = {
                seen.path: stores.plans.pairs(candidate=seen.path)
                for seen in (landed if len(landed) <= _MOST_AT_ONCE else ())
            }
        held: set[Path] = set()
        void: list[PlanRecord] = []
        busy = {path for plan in plans if plan.state.is_busy for path in plan.paths}
        open_plans = {plan.swap.landed.path: plan for plan in plans if plan.swap and plan.swap.landed}
        for seen in landed:
            plan = open_plans.get(seen.path)
            if seen.path in busy or (
                plan is not None and plan.swap and plan.swap.landed and plan.swap.landed.is_same(seen.stamp)
            ):
                held.add(seen.path)
            else:
                if plan is not None:
                    void.append(plan)
                if self._has_to_wait(seen, judged.get(seen.path, ()), len(landed)):
                    held.add(seen.path)
        self._void(void)
        return frozenset(held)

    def _has_to_wait(self, seen: SeenFile, judged: Sequence[UpgradePair], batch: int) -> bool:
        if self.on_waiting is None or batch > _MOST_AT_ONCE or not self._findable or self.silent():
            return False
        with self._lock:
            if _same(self._released.get(seen.path), seen.stamp) or any(
                _same(pair.candidate_stamp, seen.stamp) for pair in judged
            ):
                return False
            self._waiting[seen.path] = seen.stamp
        self.on_waiting()
        return True

    def waiting(self) -> list[Path]:
        """Return what is to be judged."""
        with self._lock:
            return list(self._waiting)

    def judge_landed(self, path: Path) -> PlanRecord | None:
        """Judge a landed file; return the plan where it is a better copy, None where it is to become a track."""
        try:
            return self._judge_landed(path)
        finally:
            with self._lock:
                stamp = self._waiting.pop(path, None)
                if stamp is not None:
                    self._released[path] = stamp

    def _judge_landed(self, path: Path, trial: Trial | None = None) -> PlanRecord | None:
        try:
            fingerprint = self._parts.listen(path)
            candidate = self._parts.files.state(path)
        except (CratehandError, OSError) as error:
            logger.info("%s is not compared: %s", path, error)
            return None
        with self._catalogue.reading() as stores:
            likely = known_copies(stores, self._likely(fingerprint)) if fingerprint else []
        return self._propose(candidate, [copy for copy in likely if copy.path != path], trial=trial)

    # --- tracks -------------------------------------------------------------------------------------------------

    def analysed(self, track_id: TrackId) -> PlanRecord | None:
        """Make a track findable, and compare it with its likely copies among the tracks."""
        with self._catalogue.reading() as stores:
            fingerprint = _fingerprints(stores, [track_id]).get(track_id)
            if fingerprint is None:
                return None
        likely = [other for other in self._likely(fingerprint) if other != track_id]
        self._parts.index.add(track_id, fingerprint)
        self._findable = True
        return self._compare_tracks([track_id, *likely]) if likely else None

    def _compare_tracks(self, track_ids: Sequence[TrackId], trial: Trial | None = None) -> PlanRecord | None:
        """Compare the first track with the others; whichever has to give way is the candidate."""
        mine = track_ids[0]
        with self._catalogue.reading() as stores:
            copies = known_copies(stores, track_ids)
            about = {copy.path: stores.plans.pairs(candidate=copy.path) for copy in copies}
        for keeper, other in _pairs_of(mine, copies):
            stamp = other.track.stamp
            judged = [*about[other.path], *(pair for pair in trial or () if pair.candidate == other.path)]
            known = [pair for pair in judged if pair.track_id == keeper.track.id]
            if stamp is None or any(_same(pair.candidate_stamp, stamp) for pair in known):
                continue
            try:
                candidate = self._parts.files.state(other.path)
            except CratehandError as error:
                logger.info("%s is not compared: %s", other.path, error)
                continue
            plan = self._propose(candidate, [keeper], other=other, trial=trial)
            if plan is not None:
                return plan
        return None

    def scan(
        self,
        *,
        progress: Callable[[int, int], None] = lambda done, total: None,
        trial: Trial | None = None,
    ) -> int:
        """Compare all tracks that were analysed and not compared yet; return how many pairs were judged.

        Args:
            progress: Told how many tracks of how many were compared.
            trial: Takes the pairs of a dry run, of which the catalogue keeps nothing.
        """
        with self._catalogue.reading() as stores:
            before = len(stores.plans.pairs(limit=_MANY))
            ids = [file.track_id for file in stores.tracks.known_files()]
            fingerprints = _fingerprints(stores, ids)
        for path in self.waiting():
            if trial is None:
                self.judge_landed(path)
            else:
                self._judge_landed(path, trial)
        for track_id, text in fingerprints.items():
            with suppress(CratehandError):
                self._parts.index.add(track_id, text)
        for number, (track_id, text) in enumerate(fingerprints.items()):
            likely = [other for other in self._likely(text) if other != track_id]
            if likely:
                self._compare_tracks([track_id, *likely], trial)
            progress(number + 1, len(fingerprints))
        if trial is not None:
            return len(trial)
        with self._catalogue.reading() as stores:
            return len(stores.plans.pairs(limit=_MANY)) - before

    def refresh_index(self) -> None:
        """Make every analysed track findable; for the start."""
        with self._catalogue.reading() as stores:
            ids = [file.track_id for file in stores.tracks.known_files()]
            fingerprints = _fingerprints(stores, ids)
        known: Iterable[TrackId] = getattr(self._parts.index, "tracks", frozenset)()
        for track_id in fingerprints.keys() - set(known):
            self._parts.index.add(track_id, fingerprints[track_id])
        for track_id in set(known) - set(ids):
            self._parts.index.remove(track_id)
        self._findable = bool(fingerprints)

    # --- answers ------------------------------------------------------------------------------------------------

    def pairs(self, *, limit: int = 1000) -> list[tuple[UpgradePair, PlanRecord | None]]:
        """Return all judged pairs, the latest first, with the plans of the accepted ones."""
        with self._catalogue.reading() as stores:
            return [(pair, stores.plans.get(pair.id)) for pair in stores.plans.pairs(limit=limit)]

    def pair(self, reference: str) -> tuple[UpgradePair, PlanRecord | None]:
        """Return the pair that an id, the beginning of one, a track id or a path names; raises `NotFoundError`."""
        found = [
            (pair, plan)
            for pair, plan in self.pairs(limit=_MANY)
            if reference in {str(pair.current), str(pair.candidate), pair.track_id}
            or (len(reference) >= 4 and pair.id.startswith(reference.lower()))
        ]
        if not found:
            raise NotFoundError(f"no judged pair {reference!r}: `cratehand upgrade list` lists them")
        return next((each for each in found if each[1] is not None and each[1].state is PlanState.OPEN), found[0])

    def _likely(self, fingerprint: str) -> list[TrackId]:
        return [likely.track for likely in self._parts.likely(fingerprint)][: 2 * _MOST_COMPARED]

    def _propose(
        self,
        candidate: FileState,
        copies: Sequence[KnownCopy],
        *,
        other: KnownCopy | None = None,
        trial: Trial | None = None,
    ) -> PlanRecord | None:
        """Judge a candidate against likely copies, in the order in which they would be replaced."""
        for copy in copies[:_MOST_COMPARED]:
            try:
                current = self._parts.files.state(copy.path)
                # What was found in the file before it changed says nothing of it.
                sound = copy.sound if _same(copy.track.stamp, current.stamp) else None
                judgement = self._parts.judge(copy.path, candidate.path, copy.name, sound)
            except (CratehandError, OSError) as error:
                logger.info("%s is not compared with %s: %s", candidate.path, copy.path, error)
                continue
            if judgement.relation is Relation.DIFFERENT and len(copies) > 1:
                continue
            pair = self._pair(judgement, copy, candidate, other)
            if trial is not None:
                trial.append(pair)
            plan = None if trial is not None else self._keep(pair, judgement, current, candidate, other)
            if plan is not None or judgement.relation is Relation.SAME:
                return plan
        return None

    def _pair(
        self, judgement: Judgement, copy: KnownCopy, candidate: FileState, other: KnownCopy | None
    ) -> UpgradePair:
        both_needed = other is not None and other.is_referenced
        return UpgradePair(
            id=PlanId(self._new_id()),
            track_id=copy.track.id,
            current=copy.path,
            candidate=candidate.path,
            candidate_stamp=candidate.stamp,
            verdict=judgement.candidate_verdict.value,
            relation=judgement.relation.value,
            accepted=judgement.accepted and not both_needed,
            reason=judgement.reason
            if not both_needed
            else f"{judgement.reason}; Rekordbox or playlists use both files",
            offset_s=judgement.offset_s,
            judged_at_s=self._clock.now_s(),
            numbers=judgement.numbers,
        )

    def _keep(
        self,
        pair: UpgradePair,
        judgement: Judgement,
        current: FileState,
        candidate: FileState,
        other: KnownCopy | None,
    ) -> PlanRecord | None:
        with self._catalogue.writing() as stores:
            stores.plans.save_pair(pair)
            if not pair.accepted:
                return None
            base = {"id": pair.id, "who": _CRATEHAND, "created_at_s": pair.judged_at_s}
            absorbs = None if other is None else self._give_way(stores, other)
            plan = upgrade_plan(
                judgement, (pair.track_id, current), candidate, base=base, are_same=self._parts.files.are_same,
                absorbs=absorbs,
            )  # fmt: skip
            stores.plans.add(plan)
        logger.info("a better copy of %s: %s (%s)", current.path, candidate.path, judgement.reason)
        self._publish(PlanChanged(plan_id=plan.id, kind=plan.kind.value, state=plan.state.value))
        return plan

    def _give_way(self, stores: Stores, other: KnownCopy) -> TrackId | None:
        """Let a candidate be no track of its own any more; return it where a person has said something of it."""
        facts = stores.facts.facts(other.track.id)
        if any(fact.source.kind is SourceKind.PERSON for fact in facts) or stores.cues.cues(other.track.id):
            return other.track.id
        stores.tracks.remove([other.track.id])
        return None

    def _void(self, plans: Sequence[PlanRecord]) -> None:
        if not plans:
            return
        with self._catalogue.writing() as stores:
            for plan in plans:
                landed = plan.swap.landed if plan.swap else None
                stores.plans.save(replace(plan, state=PlanState.STALE, error="the landed file was changed since"))
                if landed is not None:
                    stores.plans.forget_pairs(landed.path)


def _pairs_of(mine: TrackId, copies: Sequence[KnownCopy]) -> list[tuple[KnownCopy, KnownCopy]]:
    """Return each copy together with the track, the one to keep first."""
    place = next((index for index, copy in enumerate(copies) if copy.track.id == mine), None)
    if place is None:
        return []
    before = [(copy, copies[place]) for copy in copies[:place]]
    return [*before, *((copies[place], copy) for copy in copies[place + 1 :])]


def _fingerprints(stores: Stores, track_ids: Sequence[TrackId]) -> dict[TrackId, str]:
    believed = stores.facts.believed(track_ids, Field.FINGERPRINT)
    return {track_id: str(fact.value) for track_id, fact in believed.items() if fact.value}


def _same(one: FileStamp | None, other: FileStamp) -> bool:
    return one is not None and (one.size_bytes, one.mtime_ns) == (other.size_bytes, other.mtime_ns)
