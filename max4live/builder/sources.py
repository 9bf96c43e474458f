"""The sources of a device as they stand in `patchers/` and `script/`, read and joined."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from max4live.builder.container import DeviceKind

ROOT: Final = Path(__file__).parents[1]
SCRIPT_NAME: Final = "cratehand.js"
SCRIPT_PARTS: Final = (
    "head.js", "wire.js", "requests.js", "fetch.js", "live.js", "loading.js", "finding.js", "drums.js", "moments.js",
    "panel.js", "inlets.js",
)  # fmt: skip
"""In the order in which they are joined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSource:
    """One device: its name, kind, size, boxes and cords."""

    name: str
    title: str
    kind: DeviceKind
    width: float
    boxes: tuple[dict[str, Any], ...]
    cords: tuple[str, ...]
    """Each ``from 0 -> to 1``; the outlet and the inlet are 0 where they are left out."""


DEVICES: Final = ("audio", "midi", "instrument")
"""Names of the files in `patchers/` that are devices; what they include is none."""


def read_device(name: str) -> DeviceSource:
    """Read a device of `patchers/` with all that it includes."""
    raw = _load(name)
    included = [_load(part) for part in raw.get("include", [])]
    parts = [*included, raw]
    moved: dict[str, list[float]] = raw.get("move", {})
    return DeviceSource(
        name=raw["file"],
        title=raw["title"],
        kind=DeviceKind[raw["kind"]],
        width=raw["width"],
        boxes=tuple(
            box | ({"at": moved[box["id"]]} if box["id"] in moved else {})
            for part in parts
            for box in part.get("box", [])
        ),
        cords=tuple(cord for part in parts for cord in part.get("cords", [])),
    )


def read_script() -> str:
    """Return the one script, joined from its parts."""
    return "\n".join((ROOT / "script" / part).read_text(encoding="utf-8").strip() for part in SCRIPT_PARTS) + "\n"


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / "patchers" / f"{name}.toml").read_text(encoding="utf-8"))
