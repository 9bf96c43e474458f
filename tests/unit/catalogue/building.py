"""Small domain objects for the tests of the catalogue."""

import random
from collections.abc import Callable
from pathlib import Path

from cratehand.domain.collection import CollectionChange, CollectionTrack
from cratehand.domain.cue import Cue, CueKind
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, TrackId
from cratehand.domain.provenance import AnyFact, Fact, Source, SourceKind
from cratehand.domain.track import FileStamp, Presence, Track

REKORDBOX = Source(kind=SourceKind.REKORDBOX, name="master.db", version="7")
ANALYSIS = Source(kind=SourceKind.ANALYSIS, name="cratehand.tempo", version="1")
TAGS = Source(kind=SourceKind.TAGS, name="id3")
STAMP = FileStamp(size_bytes=10, mtime_ns=20, ctime_ns=30, inode=40)


def ids(seed: int = 1) -> Callable[[], str]:
    """Return a source of ids that gives the same ones in each run."""
    rng = random.Random(seed)
    return lambda: f"{rng.getrandbits(64):016x}"


def track_id(number: int) -> TrackId:
    return TrackId(f"{number:016x}")


def a_track(
    number: int = 1, *, path: str | None = None, presence: Presence = Presence.PRESENT, **more: object
) -> Track:
    place = Path(path) if path is not None else Path(f"/music/{number}.mp3")
    values: dict[str, object] = {"id": track_id(number), "path": place, "presence": presence, "added_at_s": 1.0}
    return Track(**(values | more))  # type: ignore[arg-type]


def a_fact(
    field: Field, value: object, *, source: Source = TAGS, at_s: float = 1.0, confidence: float = 1.0
) -> AnyFact:
    return Fact(field=field, value=value, source=source, at_s=at_s, confidence=confidence)


def a_cue(start_s: float, *, pad: int | None = None, label: str = "") -> Cue:
    return Cue(kind=CueKind.HOT if pad is not None else CueKind.MEMORY, start_s=start_s, pad=pad, label=label)


def a_row(
    number: int, *, location: str | None = None, locked: bool = False, cues: tuple[Cue, ...] = (), **values: object
) -> CollectionTrack:
    place = f"/music/{number}.mp3" if location is None else location
    return CollectionTrack(
        id=ForeignId(str(number)),
        location=place,
        values={Field(name): value for name, value in values.items()},
        cues=cues,
        grid_locked=locked,
    )


def everything(*rows: CollectionTrack, **more: object) -> CollectionChange:
    return CollectionChange(full=True, tracks=rows, **more)  # type: ignore[arg-type]


def some(*rows: CollectionTrack, **more: object) -> CollectionChange:
    return CollectionChange(full=False, tracks=rows, **more)  # type: ignore[arg-type]
