"""Steps of plans as JSON-able objects for the catalogue, and back."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.ids import ContentDigest, TrackId
from cratehand.domain.plan_record import (
    CarryOver,
    ChangePlaylist,
    CorrectTrack,
    FileState,
    Relocate,
    Step,
    SwapFile,
    TellRekordbox,
)
from cratehand.domain.track import FileStamp


def step_to_json(step: Step) -> dict[str, Any]:
    """Return a step as an object; `step` names its kind. Paths keep undecodable bytes as lone surrogates."""
    return {"step": _NAMES[type(step)], **{name: _plain(value) for name, value in asdict(step).items()}}


def step_from_json(raw: Mapping[str, Any]) -> Step:
    """Read a step back; raises `InvalidInputError` for what is none."""
    values = dict(raw)
    try:
        return _READERS[values.pop("step")](values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(f"a step of a plan can not be read: {error!r}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _path(value: str | None) -> Path | None:
    return None if value is None else Path(value)


def _file(raw: Mapping[str, Any] | None) -> FileState | None:
    if raw is None:
        return None
    return FileState(path=Path(raw["path"]), stamp=FileStamp(**raw["stamp"]), digest=ContentDigest(raw["digest"]))


def _required_file(raw: Mapping[str, Any]) -> FileState:
    state = _file(raw)
    if state is None:
        raise ValueError("a file is missing")
    return state


def _swap(raw: dict[str, Any]) -> Step:
    return SwapFile(
        current=_required_file(raw["current"]),
        target=Path(raw["target"]),
        landed=_file(raw["landed"]),
        tags=raw["tags"],
        merges_tags=raw["merges_tags"],
        cover=_path(raw["cover"]),
    )


def _carry(raw: dict[str, Any]) -> Step:
    return CarryOver(**{**raw, "path": Path(raw["path"])})


def _relocate(raw: dict[str, Any]) -> Step:
    return Relocate(
        track_id=TrackId(raw["track_id"]),
        before=_path(raw["before"]),
        found=_required_file(raw["found"]),
        absorbs=raw["absorbs"],
    )


def _tell(raw: dict[str, Any]) -> Step:
    return TellRekordbox(**{**raw, "edits": tuple(raw["edits"])})


def _correct(raw: dict[str, Any]) -> Step:
    return CorrectTrack(**{**raw, "edits": tuple(raw["edits"])})


def _playlist(raw: Mapping[str, Any] | None) -> Playlist | None:
    if raw is None:
        return None
    return Playlist(**{**raw, "kind": PlaylistKind(raw["kind"]), "entries": tuple(raw["entries"])})


def _change_playlist(raw: dict[str, Any]) -> Step:
    return ChangePlaylist(before=_playlist(raw["before"]), after=_playlist(raw["after"]))


_NAMES: Final[dict[type, str]] = {
    SwapFile: "swap_file", CarryOver: "carry_over", Relocate: "relocate", TellRekordbox: "tell_rekordbox",
    CorrectTrack: "correct_track", ChangePlaylist: "change_playlist",
}  # fmt: skip
_READERS: Final[dict[str, Callable[[dict[str, Any]], Step]]] = {
    "swap_file": _swap, "carry_over": _carry, "relocate": _relocate, "tell_rekordbox": _tell,
    "correct_track": _correct, "change_playlist": _change_playlist,
}  # fmt: skip
