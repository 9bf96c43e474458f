"""Write, then read: the same collection."""

from io import BytesIO

from hypothesis import given, settings

from cratehand.domain.collection import CollectionChange
from cratehand_rekordbox_export import parse_collection
from tests.unit.rekordbox_export.crates import collections, in_written_order, xml_of


@settings(max_examples=100)
@given(collections())
def test_a_collection_comes_back_the_same(change: CollectionChange) -> None:
    text = xml_of(change)
    result = parse_collection(BytesIO(text.encode("utf-8")))
    assert result.report.notes() == ()
    assert len(result.change.tracks) == len(change.tracks)
    for track, again in zip(change.tracks, result.change.tracks, strict=True):
        assert again.id == track.id
        assert again.location == track.location
        assert again.values == track.values
        assert sorted(again.cues, key=repr) == sorted(track.cues, key=repr)
        hot = [cue for cue in again.cues if cue.pad is not None]
        assert again.cues[: len(hot)] == tuple(hot)
        assert in_written_order(again.cues) == sorted(in_written_order(again.cues))
        assert again.attributes == {}
    assert result.change.playlists == change.playlists
    # What was read is written as the very same bytes.
    assert xml_of(result.change) == text
