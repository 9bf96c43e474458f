"""Names of genres are asked for anew after a while, not with every track."""

from pathlib import Path

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.provenance import PERSON, Fact
from cratehand.domain.track import Presence, Track
from cratehand.usecases.known_genres import KnownGenres
from tests.fakes.clock import HandWoundClock


def tell(catalogue: SqliteCatalogue, digit: str, genre: str) -> None:
    track_id = TrackId(digit * 16)
    with catalogue.writing() as stores:
        stores.tracks.add([Track(id=track_id, path=Path(f"/{digit}"), presence=Presence.PRESENT, added_at_s=1.0)])
        stores.facts.record(track_id, [Fact(field=Field.GENRE, value=genre, source=PERSON, at_s=1.0)])


def test_a_new_name_is_known_ten_seconds_later(catalogue: SqliteCatalogue) -> None:
    clock = HandWoundClock()
    known = KnownGenres(clock)
    tell(catalogue, "1", "House")

    def names() -> list[str]:
        with catalogue.writing() as stores:
            return list(known.names(stores))

    assert names() == ["House"]
    tell(catalogue, "2", "Techno")
    clock.wind(9.0)
    assert names() == ["House"]
    clock.wind(1.0)
    assert names() == ["House", "Techno"]
