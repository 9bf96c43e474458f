"""Random histories of several devices, and what has to be true at their end."""

import random
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from psycopg.conninfo import conninfo_to_dict

from cratehand.catalogue import check
from cratehand.catalogue.keys import id_of
from cratehand.catalogue.master.address import MasterAddress, parse_address
from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.embedding import EmbeddingSpace
from cratehand.domain.errors import CratehandError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ContentDigest, PlanId, PlaylistId, TrackId
from cratehand.domain.plan_record import PlanKind, PlanRecord, PlanState
from cratehand.domain.provenance import PERSON, Fact, Source, SourceKind
from cratehand.domain.track import FileStamp
from tests.cutting_proxy import CuttingProxy
from tests.unit.catalogue.building import a_cue, a_track
from tests.unit.catalogue.master.devices import Device, master_digests, master_snapshot, settle

SPACE = EmbeddingSpace(model="t", version="1", dimension=4)
DAY_S = 86_400.0
STAMP = FileStamp(size_bytes=1, mtime_ns=2, ctime_ns=3, inode=4)


@dataclass(kw_only=True)
class History:
    """One history; the seed tells everything but the moments at which connections break."""

    seed: int
    folder: Path
    url: str
    steps: int = 40
    said: dict[str, TrackId] = field(default_factory=dict)
    """Every title that was acknowledged, and of which track."""
    removed: set[str] = field(default_factory=set)
    """Titles that somebody who knew them deleted with their track."""
    carried: dict[str, tuple[TrackId, dict[str, Any]]] = field(default_factory=dict)
    """The latest track that got another file on each device, and what undoes that."""
    skewed: dict[str, dict[tuple[Any, ...], int]] = field(default_factory=dict)

    def run(self) -> None:
        """Live it, then check that all agree and nothing was lost."""
        self.rng = random.Random(self.seed)
        port = int(conninfo_to_dict(self.url)["port"])
        with CuttingProxy(port, rng=self.rng) as proxy:
            self.proxy = proxy
            through = parse_address(self.url.replace(f":{port}/", f":{proxy.port}/"))
            self.devices = [
                Device(self.folder / f"{self.seed}-{number}.db", through, name=f"d{number}")
                for number in range(self.rng.choice([2, 2, 3]))
            ]
            self.skew_s = [self.rng.choice([0.0, DAY_S, -DAY_S]) for _ in self.devices]
            for step in range(self.steps):
                self._step(step)
            proxy.cut_within = None
            proxy.cut_all()
            for device in self.devices:
                device.master.close()
            settle(*self.devices)
            self._require_agreement(through)
            for device in self.devices:
                device.close()
                assert check(device.path) == [], f"seed {self.seed}"

    def _step(self, step: int) -> None:
        number = self.rng.randrange(len(self.devices))
        device = self.devices[number]
        choices = [self._add, self._say, self._say, self._measure, self._cues, self._list, self._list, self._vector]
        choices += [self._merge, self._remove, self._attributes, self._sync, self._sync, self._sync, self._break]
        choices += [self._plan, self._carry]
        self.rng.choice(choices)(device, step)
        self._skew(device, int(self.skew_s[number] * 1000) << 16)

    def _skew(self, device: Device, skew: int) -> None:
        """Make it so that what was noted just now was noted by a clock that is wrong."""
        with device.catalogue.writing() as stores:
            if not stores.connection.exec_driver_sql("SELECT 1 FROM capture").first():
                return
            noted = stores.connection.exec_driver_sql("SELECT entity, track, name, stamp FROM changes").fetchall()
            known = self.skewed.setdefault(device.name, {})
            fresh = [tuple(row) for row in noted if known.get(tuple(row[:3])) != row[3]]
            for entity, track, name, stamp in fresh:
                stores.connection.exec_driver_sql(
                    "UPDATE changes SET stamp = max(?, (SELECT stamp FROM capture) + 1) "
                    "WHERE entity = ? AND track = ? AND name = ?", (stamp + skew, entity, track, name),
                )  # fmt: skip
            rows = stores.connection.exec_driver_sql("SELECT entity, track, name, stamp FROM changes")
            self.skewed[device.name] = {tuple(row[:3]): row[3] for row in rows}

    def _now(self, device: Device, step: int) -> float:
        return 1.7e9 + step + self.skew_s[self.devices.index(device)]

    def _tracks(self, device: Device) -> list[TrackId]:
        with device.catalogue.reading() as stores:
            from cratehand.domain.search import TrackFilter

            return sorted(stores.tracks.matching_ids(TrackFilter()))

    def _one(self, device: Device) -> TrackId | None:
        tracks = self._tracks(device)
        return self.rng.choice(tracks) if tracks else None

    def _add(self, device: Device, step: int) -> None:
        number = self.rng.getrandbits(63)
        digest = self.rng.choice([None, "d:1", "d:2", "d:3", f"d:{number}"])
        with device.catalogue.writing() as stores:
            stores.tracks.add([a_track(number, path=f"/{device.name}/{step}.mp3", digest=digest)])

    def _say(self, device: Device, step: int) -> None:
        if (track := self._one(device)) is None:
            return
        title = f"{device.name} {step}"
        name = self.rng.choice([Field.TITLE, Field.COMMENT])
        with device.catalogue.writing() as stores:
            stores.facts.record(track, [Fact(field=name, value=title, source=PERSON, at_s=self._now(device, step))])
        self.said[title] = track

    def _measure(self, device: Device, step: int) -> None:
        if (track := self._one(device)) is None:
            return
        source = Source(kind=SourceKind.ANALYSIS, name="cratehand.tempo", version="1")
        facts = [
            Fact(field=Field.TEMPO_BPM, value=100.0 + step, source=source, at_s=self._now(device, step)),
            Fact(field=Field.ENERGY, value=step % 10 + 1, source=source, at_s=self._now(device, step)),
        ]
        with device.catalogue.writing() as stores:
            stores.facts.record(track, facts)

    def _cues(self, device: Device, step: int) -> None:
        if (track := self._one(device)) is not None:
            cues = [a_cue(float(step), pad=pad, label=device.name) for pad in range(self.rng.randrange(3))]
            with device.catalogue.writing() as stores:
                stores.cues.replace(track, cues, origin=self.rng.choice(["rekordbox", "xml"]))

    def _list(self, device: Device, step: int) -> None:
        name = PlaylistId(f"{self.rng.randrange(3):016x}")
        tracks = self._tracks(device)
        with device.catalogue.writing() as stores:
            known = next((each for each in stores.playlists.all() if each.id == name), None)
            if known is not None and self.rng.random() < 0.15:
                stores.playlists.remove(name)
                return
            entries = list(known.entries if known else ())
            if entries and self.rng.random() < 0.4:
                entries.pop(self.rng.randrange(len(entries)))
            if tracks:
                entries.insert(self.rng.randrange(len(entries) + 1), self.rng.choice(tracks))
            title = f"list {step}" if known is None or self.rng.random() < 0.3 else known.name
            stores.playlists.save(
                Playlist(id=name, name=title, kind=PlaylistKind.PLAYLIST, position=step % 5, entries=tuple(entries))
            )

    def _vector(self, device: Device, step: int) -> None:
        if (track := self._one(device)) is not None:
            with device.catalogue.writing() as stores:
                stores.vectors.put(SPACE, track, np.full(4, step + 1.0, dtype=np.float32))

    def _attributes(self, device: Device, step: int) -> None:
        if (track := self._one(device)) is not None:
            with device.catalogue.writing() as stores:
                stores.collection.set_attributes(track, {"step": str(step)} if self.rng.random() < 0.8 else {})

    def _merge(self, device: Device, step: int) -> None:
        tracks = self._tracks(device)
        if len(tracks) > 1:
            keeper, other = self.rng.sample(tracks, 2)
            with device.catalogue.writing() as stores:
                stores.tracks.absorb(keeper, other)

    def _remove(self, device: Device, step: int) -> None:
        if (track := self._one(device)) is not None and self.rng.random() < 0.5:
            with device.catalogue.reading() as stores:
                gone = {str(fact.value) for fact in stores.facts.facts(track)}
            with device.catalogue.writing() as stores:
                stores.tracks.remove([track])
            self.removed |= gone

    def _plan(self, device: Device, step: int) -> None:
        with device.catalogue.writing() as stores:
            if (plans := stores.plans.list()) and self.rng.random() < 0.5:
                plan = self.rng.choice(plans)
                stores.plans.save(replace(plan, state=PlanState.APPLIED, applied_at_s=self._now(device, step)))
                return
            stores.plans.add(
                PlanRecord(
                    id=PlanId(f"{self.rng.getrandbits(63):016x}"), kind=PlanKind.PLAYLIST, state=PlanState.OPEN,
                    who=device.name, why=f"step {step}", track_id=None, created_at_s=self._now(device, step), steps=(),
                )
            )  # fmt: skip

    def _carry(self, device: Device, step: int) -> None:
        """Give a track another file, as a plan does, or undo that."""
        if device.name in self.carried and self.rng.random() < 0.5:
            track, record = self.carried.pop(device.name)
            with device.catalogue.writing() as stores:
                if stores.tracks.get(track) is not None:
                    stores.carrying.carry_back(track, record, stamp=STAMP)
            return
        here = [row[0] for row in device.ask("SELECT track FROM tracks WHERE path IS NOT NULL ORDER BY track")]
        if here:
            track = id_of(self.rng.choice(here))
            place, digest = Path(f"/{device.name}/carried {step}.flac"), ContentDigest(f"d:{self.seed}-{step}")
            with device.catalogue.writing() as stores:
                record = stores.carrying.carry_over(track, path=place, stamp=STAMP, digest=digest, offset_s=step / 1e3)
            self.carried[device.name] = (track, record)

    def _break(self, device: Device, step: int) -> None:
        self.proxy.cut_within = self.rng.choice([None, 3000, 20_000, 60_000])
        if self.rng.random() < 0.5:
            self.proxy.cut_all()
        if self.rng.random() < 0.5:
            device.master.close()

    def _sync(self, device: Device, step: int) -> None:
        try:
            device.sync()
        except CratehandError:
            # Whatever was cut, nothing may be lost by it.
            device.master.close()

    def _require_agreement(self, address: MasterAddress) -> None:
        first, *others = [device.snapshot() for device in self.devices]
        master = master_snapshot(address)
        for name, rows in first.items():
            for number, other in enumerate(others, start=1):
                assert other[name] == rows, f"seed {self.seed}: {name} of device {number}"
            assert master[name] == rows, f"seed {self.seed}: {name} of the master"
        kept = {str(row[7]).strip('"') for row in first["facts"]}
        lost = {title for title in self.said if title not in kept and title not in self.removed}
        assert not lost, f"seed {self.seed}: lost {lost}"
        digests = dict(master_digests(address))
        for device in self.devices:
            elsewhere = device.ask("SELECT track, digest FROM tracks WHERE path IS NULL")
            assert elsewhere == [(track, digests[track]) for track, _ in elsewhere], f"seed {self.seed}: digests"
        left = [row for device in self.devices for row in device.ask("SELECT entity, track, name, error FROM changes")]
        assert not left, f"seed {self.seed}: {left}"
