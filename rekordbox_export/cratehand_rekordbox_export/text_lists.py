"""Lists of tracks as tables (CSV, TSV, the TXT export of Rekordbox) and as plain lines."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from cratehand.domain.errors import CorruptFileError, InvalidInputError
from cratehand.domain.matching import WantedTrack
from cratehand.domain.track_names import normalise
from cratehand_rekordbox_export.m3u8 import resolve_path
from cratehand_rekordbox_export.numbers import parse_decimal

_COLUMNS: Final[Mapping[str, frozenset[str]]] = {
    "artist": frozenset(
        {
            "artist", "artists", "artist name", "artist names", "artist name s", "artist s", "track artist",
            "performer", "interpret", "interpreten", "kunstler", "artiste", "artistes", "nom de l artiste",
            "interprete", "artista",
        }
    ),
    "title": frozenset(
        {
            "title", "track title", "track name", "track", "name", "song", "song title", "song name", "titel",
            "tracktitel", "track titel", "musiktitel", "titre", "titre du morceau", "titre de la piste", "nom",
            "nom du morceau", "morceau", "titolo", "titulo",
        }
    ),
    "mix": frozenset({"mix", "mix name", "version", "mixname"}),
    "path": frozenset(
        {
            "path", "file", "file path", "filepath", "full path", "location", "filename", "file name", "pfad",
            "dateipfad", "datei", "dateiname", "speicherort", "ort", "chemin", "chemin du fichier", "chemin d acces",
            "emplacement", "fichier", "nom du fichier", "nom de fichier",
        }
    ),
    "isrc": frozenset({"isrc", "isrc code", "code isrc"}),
    "duration": frozenset(
        {
            "duration", "duration s", "duration seconds", "time", "length", "total time", "totaltime", "seconds",
            "dauer", "zeit", "lange", "spielzeit", "gesamtzeit", "duree", "temps", "longueur", "track duration",
        }
    ),
    "duration_ms": frozenset({"duration ms", "track duration ms", "length ms", "time ms", "dauer ms", "duree ms"}),
}  # fmt: skip
"""Headers in English, German, French and what the usual converters write, as `normalise` gives them."""

_DELIMITERS: Final = ("\t", ";", ",", "|")
_CLOCK: Final = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2}(?:[.,]\d+)?)")
_LONGEST_S: Final = 20_000.0
"""A plain number above it means milliseconds: it would be more than five hours."""

_TIME_STAMP: Final = re.compile(r"[\[(]?(?:\d{1,2}:)?\d{1,3}:\d{2}(?:\.\d+)?[\])]?(?:\s*[-–—]\s+|\s+|$)")
_NUMBERING: Final = re.compile(r"(?:\d{1,4}\s*[.):]\s*(?!\d)|\[?\d{1,4}\]\s*)")
_DASHED_NUMBER: Final = re.compile(r"\d{1,3}\s+[-–—]\s+(?=\S.*\s[-–—]\s)")
_SEPARATOR: Final = re.compile(r"\s+[-–—―−]\s+|\t+")
_TIGHT_SEPARATOR: Final = re.compile(r"\s*[–—―]\s*")
_LENGTH: Final = re.compile(r"\s*[\[(]((?:\d{1,2}:)?\d{1,2}:\d{2})[\])]\s*$")
_WITH: Final = re.compile(r"w/\s*", re.IGNORECASE)
_AUDIO_PATH: Final = re.compile(
    r"(?:file:|/|\\\\|[A-Za-z]:[\\/]).*\.(?:mp3|flac|wav|aiff?|m4a|mp4|aac|ogg|opus)", re.IGNORECASE
)
_LINE_ENDS: Final = re.compile(r"\r\n|\n|\r")
_LONGEST_LINE: Final = 4000


def is_table(text: str) -> bool:
    """Whether the first line is a header with at least two columns that say which track is meant."""
    header, columns, _ = _header(text)
    return header > 0 and len(columns) >= 2


def parse_table(text: str, *, name: str, folder: str) -> list[WantedTrack]:
    """Read a table whose first line names its columns, in any order; columns of other names are skipped.

    Args:
        text: The whole file; delimited by tabs, semicolons, commas or bars.
        name: What to call the file in a message.
        folder: Absolute folder of the file, where relative paths begin.

    Raises:
        InvalidInputError: No column says which track is meant.
        CorruptFileError: The quotes of a line are damaged.
    """
    header, columns, delimiter = _header(text)
    if not header:
        raise InvalidInputError(
            f"{name}: the first line names none of the columns title, path and isrc; "
            "put a line such as artist,title above the tracks"
        )
    wanted: list[WantedTrack] = []
    try:
        for number, row in _rows(text, delimiter):
            cells = {column: row[index].strip() for column, index in columns.items() if index < len(row)}
            if number > header and (track := _from_cells(cells, line=number, folder=folder)):
                wanted.append(track)
    except csv.Error as error:
        raise CorruptFileError(f"{name}: {error}; look for a quote that is not closed") from error
    return wanted


def parse_lines(text: str, *, folder: str) -> list[WantedTrack]:
    """Read one track per line: ``Artist - Title (Version)``.

    Left out are comments (``#``), empty lines, numbers (``01.``) and time stamps (``[12:34]``) at the beginning; a
    length in brackets at the end is read. A line without a dash is a title, one that is the path of an audio file is
    a path.

    Args:
        text: The whole file.
        folder: Absolute folder of the file, where relative paths begin.
    """
    wanted: list[WantedTrack] = []
    for number, raw in enumerate(_LINE_ENDS.split(text), start=1):
        line = raw[:_LONGEST_LINE].strip("\ufeff \t")
        if not line or (line.startswith(("#", "//")) and not _AUDIO_PATH.fullmatch(line)):
            continue
        if _AUDIO_PATH.fullmatch(line):
            wanted.append(WantedTrack(path=resolve_path(line, folder=folder), line=number))
        elif track := _from_line(line, number):
            wanted.append(track)
    return wanted


def parse_duration(text: str) -> float | None:
    """Read ``6:32``, ``1:02:03`` or seconds; a number too large for seconds is milliseconds; None for anything else."""
    if match := _CLOCK.fullmatch(text.strip()):
        seconds = float(match[3].replace(",", "."))
        return int(match[1] or 0) * 3600 + int(match[2]) * 60 + seconds or None
    number = parse_decimal(text)
    if number is None or number <= 0:
        return None
    return number / 1000 if number > _LONGEST_S else number


def _from_line(line: str, number: int) -> WantedTrack | None:
    rest = line
    # A number may stand before the time stamp or behind it.
    for pattern in (_NUMBERING, _TIME_STAMP, _NUMBERING, _DASHED_NUMBER, _WITH):
        if match := pattern.match(rest):
            rest = rest[match.end() :].lstrip()
    duration_s = None
    if match := _LENGTH.search(rest):
        duration_s, rest = parse_duration(match[1]), rest[: match.start()]
    rest = rest.strip(" -–—\t")
    parts = (_SEPARATOR if _SEPARATOR.search(rest) else _TIGHT_SEPARATOR).split(rest, maxsplit=1)
    artist, title = (parts[0].strip(), parts[1].strip()) if len(parts) == 2 else ("", parts[0].strip())
    if not any(letter.isalnum() for letter in title):
        return None
    return WantedTrack(artist=artist or None, title=title, duration_s=duration_s, line=number)


def _header(text: str) -> tuple[int, dict[str, int], str]:
    """Return the line of the header (0 for none), the place of each known column, and the delimiter."""
    start, first = 0, ""
    for number, line in enumerate(_LINE_ENDS.split(text[:_LONGEST_LINE]), start=1):
        if line.strip("\ufeff \t") and not line.lower().startswith("sep="):
            start, first = number, line.strip("\ufeff")
            break
    best: dict[str, int] = {}
    delimiter = ","
    for each in _DELIMITERS:
        cells = next(iter(_split(first, each)), [])
        columns = _known_columns(cells)
        if len(columns) > len(best):
            best, delimiter = columns, each
    return (start if best.keys() & {"title", "path", "isrc"} else 0), best, delimiter


def _known_columns(cells: Sequence[str]) -> dict[str, int]:
    columns: dict[str, int] = {}
    for index, cell in enumerate(cells):
        header = normalise(cell)
        for column, names in _COLUMNS.items():
            if header in names:
                columns.setdefault(column, index)
    return columns


def _split(line: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        yield []


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    if delimiter == "\t":
        # Rekordbox does not quote: a title may begin with a quote that nothing closes.
        for number, line in enumerate(_LINE_ENDS.split(text), start=1):
            yield number, [_unquoted(cell) for cell in line.strip("\ufeff").split("\t")]
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    number = 1
    for row in reader:
        yield number, row
        number = reader.line_num + 1


def _unquoted(cell: str) -> str:
    if len(cell) >= 2 and cell.startswith('"') and cell.endswith('"'):
        return cell[1:-1].replace('""', '"')
    return cell


def _from_cells(cells: Mapping[str, str], *, line: int, folder: str) -> WantedTrack | None:
    title = cells.get("title") or None
    mix = cells.get("mix")
    path = resolve_path(cells["path"], folder=folder) if cells.get("path") else None
    isrc = cells.get("isrc") or None
    if not (title or path or isrc):
        return None
    milliseconds = parse_decimal(cells.get("duration_ms"))
    return WantedTrack(
        artist=cells.get("artist") or None,
        title=f"{title} ({mix})" if title and mix and normalise(mix) not in normalise(title) else title,
        path=path,
        duration_s=milliseconds / 1000 if milliseconds else parse_duration(cells.get("duration", "")),
        isrc=isrc,
        line=line,
    )
