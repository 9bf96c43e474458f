from pathlib import Path

import numpy as np

from cratehand.catalogue import check, open_device
from cratehand.domain.embedding import DSP_SPACE, TAG_SPACE
from cratehand.usecases.text_search import TextSearch
from tests.bench.live_house import fill_many


def test_a_catalogue_filled_in_bulk_is_whole_and_can_be_searched_by_words_and_sound(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.db"
    catalogue = open_device(path)
    ids = fill_many(catalogue, tmp_path, 300)
    with catalogue.reading() as stores:
        (track,) = stores.tracks.summaries(ids[7:8])
        assert stores.vectors.count(TAG_SPACE) == stores.vectors.count(DSP_SPACE) == 300
        vector = stores.vectors.get(DSP_SPACE, ids[7])
    assert vector is not None
    assert np.linalg.norm(vector) - 1 < 1e-5
    search = TextSearch(catalogue)
    assert ids[7] in {match.track.id for match in search.search(str(track.title))}
    assert {match.ranking for match in search.search("warm piano")} == {"tags"}
    catalogue.close()
    assert check(path) == []
