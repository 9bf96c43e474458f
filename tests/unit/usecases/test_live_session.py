from pathlib import Path

import pytest

from cratehand.domain.errors import InvalidInputError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.key import parse_key
from cratehand.domain.provenance import Fact
from cratehand.domain.track import Presence, Track
from cratehand.usecases.live_session import FindWish
from tests.api.house import ANALYSIS, House, open_house

TRACKS = {
    "the same": (124.0, "8A", 5),
    "a fifth up": (124.0, "9A", 5),
    "a little faster": (127.0, "8A", 8),
    "half time": (62.0, "8A", 3),
    "far in key": (124.0, "2B", 5),
    "far in tempo": (150.0, "8A", 9),
}


@pytest.fixture
async def house(tmp_path: Path):
    async with open_house(tmp_path, tracks=1) as opened:
        with opened.catalogue.writing() as stores:
            for number, (title, (tempo_bpm, camelot, energy)) in enumerate(TRACKS.items()):
                track_id = TrackId(f"{number + 1:016x}")
                path = tmp_path / f"{title}.wav"
                stores.tracks.add([Track(id=track_id, path=path, presence=Presence.PRESENT, added_at_s=1.0)])
                values = {
                    Field.TITLE: title, Field.TEMPO_BPM: tempo_bpm, Field.KEY: parse_key(camelot), Field.ENERGY: energy,
                }  # fmt: skip
                stores.facts.record(
                    track_id,
                    [Fact(field=field, value=value, source=ANALYSIS, at_s=2.0) for field, value in values.items()],
                )
        yield opened


def titles(matches) -> list[str | None]:
    return [match.track.title for match in matches]


async def test_what_mixes_with_a_set_comes_best_first_with_reasons(house: House) -> None:
    found = house.use_cases.live.matching(124.0, "A minor", limit=10)
    assert titles(found) == ["the same", "half time", "a fifth up", "a little faster"]
    assert found[0].score == 1.0
    assert found[0].reasons == ("tempo +0.0 %", "same key")
    assert "at half time" in found[1].reasons[0]
    assert found[2].reasons[1] == "keys mix: 8A and 9A"


async def test_the_very_tempo_is_found_among_hundreds_that_are_a_little_slower(house: House) -> None:
    with house.catalogue.writing() as stores:
        ids = [TrackId(f"{number + 0x1000:016x}") for number in range(620)]
        stores.tracks.add([Track(id=each, path=None, presence=Presence.MISSING, added_at_s=1.0) for each in ids])
        for number, each in enumerate(ids):
            told = {Field.TEMPO_BPM: 170.0 + number * 0.005, Field.KEY: parse_key("3A")}
            stores.facts.record(each, [Fact(field=f, value=v, source=ANALYSIS, at_s=2.0) for f, v in told.items()])
    found = house.use_cases.live.matching(173.05, "3A", limit=2)
    assert [match.track.tempo_bpm for match in found] == [pytest.approx(173.05), pytest.approx(173.05, abs=0.006)]


async def test_tempo_or_key_alone_will_do_and_nothing_will_not(house: House) -> None:
    assert set(titles(house.use_cases.live.matching(None, "2B", limit=10))) == {"far in key"}
    assert "far in key" in titles(house.use_cases.live.matching(124.0, "", limit=10))
    with pytest.raises(InvalidInputError, match="neither the tempo nor the key"):
        house.use_cases.live.matching(None, " ", limit=10)
    with pytest.raises(InvalidInputError, match="is no key"):
        house.use_cases.live.matching(124.0, "H sharp", limit=10)


async def test_filters_narrow_a_search(house: House) -> None:
    def find(**wish) -> set[str | None]:
        return set(titles(house.use_cases.live.find(FindWish(**wish), limit=20)))

    assert find(text="far") == {"far in key", "far in tempo"}
    assert find(tempo_bpm=(61.0, 63.0)) == {"half time"}
    assert find(key="8A", text="fifth") == set()
    assert find(key="8A", with_neighbours=True, text="fifth") == {"a fifth up"}
    assert find(energy_from=8) == {"a little faster", "far in tempo"}


async def test_stems_for_a_set_are_wavs_in_a_folder_of_the_track(house: House, tmp_path: Path) -> None:
    track_id = TrackId(f"{1:016x}")
    with pytest.raises(NotFoundError, match="no track"):
        house.use_cases.live.stems_wish("nothing")
    with house.catalogue.reading() as stores:
        path = stores.tracks.get(track_id).path
    with pytest.raises(NotFoundError, match="not on this computer"):
        house.use_cases.live.stems_wish(track_id)
    assert not (tmp_path / "stems").exists()
    path.touch()
    wish = house.use_cases.live.stems_wish(str(path))
    assert (wish.out, wish.format.value) == (str(tmp_path / "stems" / track_id), "wav")
    assert Path(wish.out).is_dir()
