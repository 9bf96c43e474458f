"""Rekordbox's analysis files (``ANLZ0000.DAT`` and ``.EXT``) → beat grid, sections, overview waveform.

pyrekordbox knows the tags. Most of a file are detailed waveforms that nobody here needs and that take it a quarter of a
second to unpack, so it is given only the tags we want. Format: https://djl-analysis.deepsymmetry.org (Analysis Files).
"""

import logging
import struct
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.errors import CorruptFileError
from cratehand.domain.fields import Field
from cratehand.domain.structure import Section, SectionLabel
from cratehand.domain.waveform import Waveform

_log = logging.getLogger(__name__)

DETAIL_STEPS_PER_S: Final = 150
"""Columns a second of the detailed waveforms (PWV3, PWV5); their number tells the length of the track."""

_WANTED: Final = frozenset({b"PQTZ", b"PSSI", b"PWV4"})
_DETAILS: Final = frozenset({b"PWV3", b"PWV5"})
_LARGEST_BYTES: Final = 64 * 2**20
_MOST_STEPS: Final = 1200
_TOLERANCE_S: Final = 0.0025
"""A stored beat is rounded to a millisecond; further from an even grid than this it is another tempo."""

_MID: Final = {
    1: SectionLabel.INTRO, **dict.fromkeys(range(2, 8), SectionLabel.VERSE), 8: SectionLabel.BREAK,
    9: SectionLabel.DROP, 10: SectionLabel.OUTRO,
}  # fmt: skip
_LABELS: Final[Mapping[int, Mapping[int, SectionLabel]]] = {
    1: {
        1: SectionLabel.INTRO, 2: SectionLabel.BUILD, 3: SectionLabel.BREAK, 5: SectionLabel.DROP,
        6: SectionLabel.OUTRO,
    },
    2: _MID,
    3: _MID,
}  # fmt: skip
"""Phrase kinds by mood. High: intro, up, down, chorus, outro; mid and low: intro, verses, bridge, chorus, outro."""


class AnalysisFiles:
    """Reads analysis files below one folder and keeps the last ones that were asked for. Thread-safe.

    Args:
        root: The folder that ``AnalysisDataPath`` is relative to, usually ``share`` beside master.db.
        keep: How many tracks are kept in memory.
    """

    def __init__(self, root: Path, *, keep: int = 64) -> None:
        self._root = root
        self._keep = keep
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], Mapping[Field, object]] = OrderedDict()

    def read(self, data_path: str) -> Mapping[Field, object]:
        """Return what the files of one track hold of ``BEAT_GRID``, ``SECTIONS`` and ``WAVEFORM``.

        Args:
            data_path: ``djmdContent.AnalysisDataPath``: ``/PIONEER/USBANLZ/…/ANLZ0000.DAT``.

        Returns:
            Domain values; empty where the files are not there, unreadable or of an unknown kind.
        """
        parts = [part for part in data_path.replace("\\", "/").split("/") if part]
        if not parts or ".." in parts or ":" in parts[0]:
            return {}
        path = self._root.joinpath(*parts)
        files = (path, path.with_suffix(".EXT"))
        key = tuple(_looks(file) for file in files)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = _values(files)
            self._kept.move_to_end(key)
            while len(self._kept) > self._keep:
                self._kept.popitem(last=False)
            return self._kept[key]


def _looks(path: Path) -> tuple[Path, int, int]:
    try:
        status = path.stat()
    except OSError:
        return path, 0, 0
    return path, status.st_mtime_ns, status.st_size


def _values(files: Sequence[Path]) -> Mapping[Field, object]:
    tags: dict[str, Any] = {}
    duration_s = 0.0
    for file in files:
        try:
            if 0 < file.stat().st_size <= _LARGEST_BYTES:
                found, length_s = read_tags(file.read_bytes())
                tags |= found
                duration_s = max(duration_s, length_s)
        except FileNotFoundError:
            continue
        except (OSError, CorruptFileError) as error:
            _log.info("skipped %s: %s", file, error)
    return {field: value for field, value in _parse(tags, duration_s) if value}


def _parse(tags: Mapping[str, Any], duration_s: float) -> list[tuple[Field, object]]:
    values: list[tuple[Field, object]] = []
    times_s = np.zeros(0)
    if "PQTZ" in tags:
        # pyrekordbox's own arrays are too narrow for what a damaged file can hold.
        beats = np.array([(beat.beat, beat.tempo, beat.time) for beat in tags["PQTZ"].content.entries], dtype=np.int64)
        places, hundredths_bpm, times_ms = beats.reshape(-1, 3).T
        times_s = times_ms / 1000.0
        values.append((Field.BEAT_GRID, grid_from_beats(places, hundredths_bpm / 100.0, times_s)))
    if "PSSI" in tags and len(times_s):
        values.append((Field.SECTIONS, sections_from_phrases(tags["PSSI"].get(), times_s, duration_s)))
    if "PWV4" in tags and duration_s:
        content = tags["PWV4"].content
        values.append((Field.WAVEFORM, overview_from_columns(content.entries, duration_s)))
    return values


def read_tags(data: bytes) -> tuple[dict[str, Any], float]:
    """Unpack the tags we want of one analysis file.

    Returns:
        pyrekordbox's tags by name, and the length of the track in seconds where the file tells it, else 0.

    Raises:
        CorruptFileError: Not an analysis file, or damaged.
    """
    try:
        magic, head_bytes, file_bytes = struct.unpack_from(">4sII", data)
        if magic != b"PMAI":
            raise CorruptFileError("not an ANLZ file")
        kept, duration_s, place = b"", 0.0, head_bytes
        while place + 12 <= min(file_bytes, len(data)):
            name, _, tag_bytes = struct.unpack_from(">4sII", data, place)
            if tag_bytes < 12:
                raise CorruptFileError("a tag without a length")
            if name in _WANTED and place + tag_bytes <= len(data):
                kept += data[place : place + tag_bytes]
            elif name in _DETAILS:
                duration_s = struct.unpack_from(">I", data, place + 16)[0] / DETAIL_STEPS_PER_S
            place += tag_bytes
    except struct.error as error:
        raise CorruptFileError("shorter than its head says") from error
    return _unpacked(data[:head_bytes], kept), duration_s


def _unpacked(head: bytes, tags: bytes) -> dict[str, Any]:
    from construct import ConstructError  # type: ignore[import-untyped]  # it has none
    from pyrekordbox.anlz.file import AnlzFile

    # A file of the wanted tags only: same head, its own length.
    small = head[:8] + struct.pack(">I", len(head) + len(tags)) + head[12:] + tags
    try:
        return {tag.type: tag for tag in AnlzFile.parse(small).tags}
    except (ConstructError, AssertionError, ValueError, IndexError, KeyError, struct.error) as error:
        raise CorruptFileError(f"damaged ({type(error).__name__})") from error


def grid_from_beats(
    places: npt.NDArray[np.int64], bpms: npt.NDArray[np.float64], times_s: npt.NDArray[np.float64]
) -> BeatGrid | None:
    """Return the grid on which stored beats lie, with as few anchors as keep each beat within 2.5 ms.

    Args:
        places: Place of each beat in its bar, 1..4, shape ``(beats,)``.
        bpms: Tempo stored with each beat.
        times_s: Time of each beat.

    Returns:
        The grid; None where the beats do not make one (none, no tempo, not ascending).
    """
    if (
        not len(times_s)
        or (bpms <= 0).any()
        or (np.diff(times_s) <= 0).any()
        or not np.isin(places, (1, 2, 3, 4)).all()
    ):
        return None
    anchors: list[GridAnchor] = []
    first = 0
    # A new stretch begins where the stored tempo changes or the count of the bar breaks.
    breaks = np.flatnonzero((np.diff(bpms) != 0) | (np.mod(np.diff(places), 4) != 1)) + 1
    for end in [*breaks.tolist(), len(times_s)]:
        while first < end:
            tempo_bpm, length = _even_stretch(times_s[first:end], float(bpms[first]))
            anchors.append(
                GridAnchor(start_s=float(times_s[first]), tempo_bpm=tempo_bpm, beat_in_bar=int(places[first]))
            )
            first += length
    return BeatGrid(anchors=tuple(anchors))


def _even_stretch(times_s: npt.NDArray[np.float64], bpm: float) -> tuple[float, int]:
    """Return a tempo and how many of the beats from the first on it places well: the stored tempo if it can."""
    steps = np.arange(len(times_s))
    off = np.abs(times_s - times_s[0] - steps * (60.0 / bpm)) > _TOLERANCE_S
    if not off.any():
        return bpm, len(times_s)
    # The stored tempo is rounded to 0.01 BPM, which over a long stretch is more than the tolerance.
    fitted_bpm = 60.0 * (len(times_s) - 1) / float(times_s[-1] - times_s[0])
    even = np.abs(times_s - times_s[0] - steps * (60.0 / fitted_bpm)) <= _TOLERANCE_S
    if abs(fitted_bpm - bpm) < 0.02 and even.all():
        return fitted_bpm, len(times_s)
    return bpm, max(int(off.argmax()), 1)


def sections_from_phrases(structure: Any, times_s: npt.NDArray[np.float64], duration_s: float) -> tuple[Section, ...]:
    """Return the phrases as sections that touch; phrases of an unknown kind belong to the one before.

    Args:
        structure: pyrekordbox's PSSI: ``mood``, ``end_beat`` and ``entries`` with ``beat`` (from 1) and ``kind``.
        times_s: Time of each beat, shape ``(beats,)``.
        duration_s: Length of the track, 0 where it is not known.
    """
    labels = _LABELS.get(int(structure.mood), {})
    starts = sorted((int(entry.beat), labels.get(int(entry.kind))) for entry in structure.entries)
    known = [(beat, label) for beat, label in starts if label is not None]
    if not known:
        return ()
    end_s = _beat_time_s(int(structure.end_beat), times_s)
    bounds = [_beat_time_s(beat, times_s) for beat, _ in known] + [min(end_s, duration_s) if duration_s else end_s]
    return tuple(
        Section(start_s=start_s, end_s=stop_s, label=label)
        for start_s, stop_s, (_, label) in zip(bounds, bounds[1:], known, strict=False)
        if stop_s > start_s
    )


def _beat_time_s(beat: int, times_s: npt.NDArray[np.float64]) -> float:
    """Return the time of a beat counted from 1; after the last stored one the grid goes on evenly."""
    beyond = beat - len(times_s)
    if beyond <= 0:
        return float(times_s[max(beat - 1, 0)])
    step_s = float(times_s[-1] - times_s[-2]) if len(times_s) > 1 else 0.0
    return float(times_s[-1]) + beyond * step_s


def overview_from_columns(columns: bytes, duration_s: float) -> Waveform | None:
    """Return the colour preview (PWV4) as an overview.

    Each column is six bytes, of which the last three are the levels of the low, mid and high third of the spectrum,
    0..127. They are Rekordbox's bands, not those of `cratehand.domain.waveform.BAND_EDGES_HZ`.
    """
    cells = np.frombuffer(columns, dtype=np.uint8)[: len(columns) // 6 * 6].reshape(-1, 6)
    if not 0 < len(cells) <= _MOST_STEPS:
        return None
    bands = (np.minimum(cells[:, 3:6] & 0x7F, 127).astype(np.uint16) * 255 // 127).astype(np.uint8).T
    levels = np.vstack([bands.max(axis=0, keepdims=True), bands])
    levels.flags.writeable = False
    return Waveform(levels=levels, step_s=duration_s / len(cells))
