"""Fields, changes, and the small nouns."""

from pathlib import Path

import pytest

from cratehand.domain.collection import CollectionChange
from cratehand.domain.embedding import DSP_SPACE, EmbeddingSpace
from cratehand.domain.errors import CratehandError, UnavailableError
from cratehand.domain.fields import (
    CORRECTABLE_FIELDS,
    FLOAT_FIELDS,
    INTEGER_FIELDS,
    MEASURED_FIELDS,
    TEXT_FIELDS,
    Field,
)
from cratehand.domain.folders import FolderChange
from cratehand.domain.ids import ForeignId, TrackId
from cratehand.domain.job import JobState
from cratehand.domain.provenance import PERSON, Source, SourceKind
from cratehand.domain.track import Presence, TrackSummary


def test_the_kinds_of_fields_do_not_overlap() -> None:
    assert not TEXT_FIELDS & INTEGER_FIELDS
    assert not TEXT_FIELDS & FLOAT_FIELDS
    assert not INTEGER_FIELDS & FLOAT_FIELDS
    assert set(Field) >= MEASURED_FIELDS
    assert set(Field) >= CORRECTABLE_FIELDS


def test_a_change_is_empty_only_when_nothing_at_all_is_said() -> None:
    assert CollectionChange(full=False).is_empty
    assert not CollectionChange(full=True).is_empty
    assert not CollectionChange(full=False, playlists=()).is_empty
    assert not CollectionChange(full=False, deleted_tracks=(ForeignId("1"),)).is_empty
    assert FolderChange().is_empty
    assert not FolderChange(gone=(Path("/gone"),)).is_empty


def test_embedding_spaces_differ_in_every_part_of_their_name() -> None:
    spaces = [
        DSP_SPACE,
        EmbeddingSpace(model="dsp", version="2", dimension=96),
        EmbeddingSpace(model="dsp", version="1", dimension=48),
        EmbeddingSpace(model="clap", version="1", dimension=96),
        EmbeddingSpace(model="dsp", version="1", dimension=96, metric="l2"),
    ]
    assert len({space.id for space in spaces}) == len(spaces)


def test_only_three_states_of_a_job_are_final() -> None:
    assert [state for state in JobState if state.is_final] == [JobState.DONE, JobState.FAILED, JobState.CANCELLED]


def test_a_source_says_who_it_is() -> None:
    assert str(PERSON) == "person"
    assert str(Source(kind=SourceKind.TAGS, name="id3", version="2.4")) == "tags/id3/2.4"


@pytest.mark.parametrize("presence", Presence)
def test_only_a_present_file_is_on_this_device(presence: Presence) -> None:
    here = TrackSummary(id=TrackId("a"), path=Path("/a.mp3"), presence=presence)
    assert here.on_this_device == (presence is Presence.PRESENT)
    assert not TrackSummary(id=TrackId("a"), path=None, presence=presence).on_this_device


def test_every_error_has_a_code_of_its_own() -> None:
    def tree(kind: type[CratehandError]) -> list[type[CratehandError]]:
        children = [child for child in kind.__subclasses__() if child.__module__ == CratehandError.__module__]
        return [kind, *(each for child in children for each in tree(child))]

    codes = [kind.code for kind in tree(CratehandError)[1:]]
    assert len(codes) == len(set(codes))
    assert UnavailableError("later", retry_after_s=2.0).retry_after_s == 2.0
