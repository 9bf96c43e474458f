"""What only looks at the catalogue, put together without the rest, so that a look answers at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cratehand.app.clock import SystemClock, new_id
from cratehand.app.data_folder import DataFolder
from cratehand.app.text_listening import text_listeners
from cratehand.catalogue.device import SqliteCatalogue, open_device
from cratehand.usecases.jobs import Jobs
from cratehand.usecases.library import Library
from cratehand.usecases.similarity import Similarity
from cratehand.usecases.text_search import TextSearch


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingUseCases:
    """Use cases that take nothing but the catalogue; they depend on no setting."""

    catalogue: SqliteCatalogue
    library: Library
    similarity: Similarity
    text_search: TextSearch
    jobs: Jobs

    def close(self) -> None:
        """Close the catalogue."""
        self.catalogue.close()


def reading_use_cases(path: Path) -> ReadingUseCases:
    """Open the catalogue at `path`; raises as `cratehand.catalogue.device.open_device`."""
    catalogue = open_device(path)
    told: dict[str, Any] = {"clock": SystemClock(), "publish": lambda _: None}
    return ReadingUseCases(
        catalogue=catalogue,
        library=Library(catalogue, new_id=new_id, **told),
        similarity=Similarity(catalogue),
        text_search=TextSearch(catalogue, find_listeners=lambda: text_listeners(DataFolder(path.parent).models)),
        jobs=Jobs(catalogue, new_id=new_id, **told),
    )
