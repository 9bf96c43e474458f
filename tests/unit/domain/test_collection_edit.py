"""Edits of a collection and what may not be asked for."""

import json

import pytest

from cratehand.domain.collection_edit import (
    BitRateMode,
    CollectionEdit,
    CollectionFile,
    CuesSet,
    EditRecord,
    FileReplaced,
    PlaylistExtended,
    RowChange,
    ValueSet,
)
from cratehand.domain.collection_edit_codec import edit_from_json, edit_to_json, record_from_json, record_to_json
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.key import Mode, MusicalKey

TRACK = ForeignId("100000001")
ONE = Cue(kind=CueKind.HOT, start_s=1.25, pad=0, label="drop", colour=Colour(red=1, green=2, blue=3), foreign_id="7")
LOOP = Cue(kind=CueKind.MEMORY, start_s=4.0, end_s=8.0, active_loop=True, foreign_id="8")
FRESH = Cue(kind=CueKind.HOT, start_s=2.0, pad=1)
EDITS: list[CollectionEdit] = [
    FileReplaced(
        track_id=TRACK,
        before=CollectionFile(location="/m/a.mp3"),
        after=CollectionFile(location="/m/a.flac", codec="flac", size_bytes=9, duration_s=1.5, bit_depth=16),
    ),
    CuesSet(track_id=TRACK, before=(ONE, LOOP), after=(LOOP, ONE, FRESH), bit_rate_mode=BitRateMode.LOSSLESS),
    ValueSet(track_id=TRACK, field=Field.KEY, before=None, after=MusicalKey(tonic=9, mode=Mode.MINOR)),
    ValueSet(track_id=TRACK, field=Field.TEMPO_BPM, before=124.0, after=62.0),
    PlaylistExtended(name="cratehand upgraded", tracks=(TRACK,)),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: type(edit).__name__)
def test_an_edit_survives_its_json(edit: CollectionEdit) -> None:
    assert edit_from_json(json.loads(json.dumps(edit_to_json(edit)))) == edit


def test_a_record_survives_its_json() -> None:
    record = EditRecord(
        at_s=1.5,
        database="/r/master.db",
        database_id="1",
        schema="abc",
        rows=(RowChange(table="djmdCue", row_id="7", before=None, after={"ID": "7", "InMsec": 1, "x": {"hex": "00"}}),),
        playlist_ids=("5",),
        backup="/b/master.db",
        restore_command="cp /b/master.db /r/master.db",
        notes=("analyse the track anew",),
    )
    assert record_from_json(json.loads(json.dumps(record_to_json(record)))) == record


@pytest.mark.parametrize("raw", [{}, {"edit": "nothing"}, {"edit": "cues", "track_id": "1"}])
def test_other_json_is_refused(raw: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        edit_from_json(raw)
    with pytest.raises(InvalidInputError):
        record_from_json(raw)


@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [((ONE, LOOP), (ONE,), "never removed"), ((ONE,), (ONE, LOOP), "was not there"), ((ONE,), (ONE, ONE), "twice")],
)
def test_cues_are_moved_and_added_but_never_lost(before: tuple[Cue, ...], after: tuple[Cue, ...], hint: str) -> None:
    with pytest.raises(InvalidInputError, match=hint):
        CuesSet(track_id=TRACK, before=before, after=after, bit_rate_mode=BitRateMode.LOSSLESS)


def test_a_cue_that_is_there_has_an_id() -> None:
    with pytest.raises(InvalidInputError, match="id of its own"):
        CuesSet(track_id=TRACK, before=(FRESH,), after=(), bit_rate_mode=BitRateMode.LOSSLESS)


def test_a_field_that_is_measured_is_not_written() -> None:
    with pytest.raises(InvalidInputError, match="energy"):
        ValueSet(track_id=TRACK, field=Field.ENERGY, before=1, after=2)
