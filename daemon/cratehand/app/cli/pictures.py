"""Where `analyse --picture` puts its pictures, and drawing one in a worker process."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cratehand.domain.audio_quality import AudioQuality


def picture_path(file: Path, folder: Path) -> Path:
    """Return ``<name>.spectrogram.png`` in a folder; a name that is taken gets a number, so nothing is overwritten."""
    return next(path for path in _names(file, folder) if not path.exists())


def _names(file: Path, folder: Path) -> Iterable[Path]:
    yield folder / f"{file.name}.spectrogram.png"
    number = 2
    while True:
        yield folder / f"{file.name}.spectrogram-{number}.png"
        number += 1


def draw_picture(file: str, folder: str, quality: "AudioQuality | None") -> tuple[str | None, str | None]:
    """Draw the spectrogram of a file; return the picture's path, or None and one line that says why not."""
    from cratehand.app.reading_tools import reading_tools
    from cratehand.app.spectrogram_picture import paint, spectrogram_of
    from cratehand.domain.errors import CratehandError

    try:
        drawn = paint(spectrogram_of(reading_tools().reader, Path(file)), quality)
        path = picture_path(Path(file), Path(folder))
        # Exclusive: a file of that name may have come in between.
        with path.open("xb") as target:
            target.write(drawn)
    except CratehandError as error:
        return None, str(error)
    except OSError as error:
        return None, f"{file}: no picture in {folder}: {error.strerror or error}"
    return str(path), None
