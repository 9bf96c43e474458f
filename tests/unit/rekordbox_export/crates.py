"""Collections for tests, made by code."""

import math
from io import BytesIO

from hypothesis import strategies as st

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.collection import CollectionChange, CollectionPlaylist, CollectionTrack, PlaylistKind
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.key import Mode, MusicalKey
from cratehand_rekordbox_export.collection import COLOUR_NAMES
from cratehand_rekordbox_export.writer import write_collection

_DEFAULTS = {Colour(red=40, green=226, blue=20), Colour(red=255, green=140, blue=0)}

texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(
    lambda text: not text.isspace() and "\ufffe" not in text and "\uffff" not in text
)
"""What a tag may hold and XML can: no control characters, not only blanks."""

seconds = st.integers(0, 36_000_000).map(lambda milliseconds: milliseconds / 1000)
tempos = st.integers(2_000, 40_000).map(lambda hundredths: hundredths / 100)
counts = st.integers(1, 1 << 40)


@st.composite
def grids(draw: st.DrawFn) -> BeatGrid:
    starts = sorted(draw(st.sets(seconds, min_size=1, max_size=5)))
    beats_per_bar = draw(st.sampled_from([3, 4, 5]))
    return BeatGrid(
        anchors=tuple(
            GridAnchor(start_s=start, tempo_bpm=draw(tempos), beat_in_bar=draw(st.integers(1, beats_per_bar)))
            for start in starts
        ),
        beats_per_bar=beats_per_bar,
    )


@st.composite
def cues(draw: st.DrawFn) -> Cue:
    kind = draw(st.sampled_from(CueKind))
    start_s = draw(seconds)
    may_loop = kind in {CueKind.HOT, CueKind.MEMORY}
    length = draw(st.one_of(st.none(), st.integers(1, 100_000))) if may_loop else None
    level = st.integers(0, 255)
    colour = draw(st.one_of(st.none(), st.builds(Colour, red=level, green=level, blue=level)))
    return Cue(
        kind=kind,
        start_s=start_s,
        end_s=None if length is None else round(start_s * 1000 + length) / 1000,
        pad=draw(st.integers(0, 15)) if kind is CueKind.HOT else None,
        label=draw(st.one_of(st.just(""), texts)),
        colour=colour if kind is CueKind.HOT and colour not in _DEFAULTS else None,
    )


values = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(
            (
                Field.TITLE, Field.ARTIST, Field.COMPOSER, Field.ALBUM, Field.GROUPING, Field.GENRE, Field.COMMENT,
                Field.REMIXER, Field.LABEL, Field.MIX,
            ),
            texts,
        ),
        **dict.fromkeys((Field.FILE_SIZE_BYTES, Field.DISC_NUMBER, Field.TRACK_NUMBER, Field.SAMPLE_RATE_HZ), counts),
        Field.YEAR: st.integers(1, 9999),
        Field.PLAY_COUNT: st.integers(1, 9999),
        Field.DURATION_S: counts.map(float),
        Field.BIT_RATE_KBPS: counts.map(float),
        Field.TEMPO_BPM: tempos,
        Field.DATE_ADDED: st.dates().map(lambda day: day.isoformat()),
        Field.RATING: st.integers(1, 5),
        Field.KEY: st.builds(MusicalKey, tonic=st.integers(0, 11), mode=st.sampled_from(Mode)),
        Field.COLOUR: st.sampled_from([*COLOUR_NAMES.values(), "#123ABC"]),
        Field.BEAT_GRID: grids(),
    },
)  # fmt: skip

paths = st.one_of(
    st.lists(texts.filter(lambda name: "/" not in name and "\\" not in name), min_size=1, max_size=4).map(
        lambda names: "/music/" + "/".join(names)
    ),
    st.lists(texts.filter(lambda name: not set(name) & set('/\\:*?"<>|')), min_size=1, max_size=4).map(
        lambda names: "C:/" + "/".join(names)
    ),
    st.just("//nas/share/x.mp3"),
    st.just(""),
)


@st.composite
def collections(draw: st.DrawFn) -> CollectionChange:
    ids = draw(st.lists(st.integers(1, 2**32 - 1).map(str), unique=True, max_size=4))
    tracks = tuple(
        CollectionTrack(
            id=ForeignId(each),
            location=draw(paths),
            values=draw(values),
            cues=tuple(draw(st.lists(cues(), max_size=4))),
        )
        for each in ids
    )
    names = draw(st.lists(texts.filter(lambda name: "/" not in name and "\\" not in name), unique=True, max_size=3))
    folder = ForeignId("A folder")
    lists = [CollectionPlaylist(id=folder, name="A folder", kind=PlaylistKind.FOLDER)] + [
        CollectionPlaylist(
            id=ForeignId(f"A folder/{name}"),
            name=name,
            kind=PlaylistKind.PLAYLIST,
            parent_id=folder,
            position=position,
            entries=tuple(ForeignId(each) for each in draw(st.lists(st.sampled_from(ids), max_size=4))) if ids else (),
        )
        for position, name in enumerate(names)
    ]
    return CollectionChange(full=True, tracks=tracks, playlists=lists)


def xml_of(change: CollectionChange) -> str:
    """Return the XML text of a collection."""
    target = BytesIO()
    write_collection(target, change)
    return target.getvalue().decode("utf-8")


def one_track(*its_cues: Cue, **others: object) -> CollectionChange:
    """Return a collection of one track."""
    arguments = {"id": ForeignId("1"), "location": "/m/a.mp3", "values": {}, "cues": its_cues} | others
    return CollectionChange(full=True, tracks=(CollectionTrack(**arguments),))  # type: ignore[arg-type]


def in_written_order(its_cues: tuple[Cue, ...]) -> list[tuple[bool, float, float]]:
    """Return what the order of a file's cues rests on."""
    return [(cue.pad is None, cue.pad if cue.pad is not None else math.inf, cue.start_s) for cue in its_cues]
