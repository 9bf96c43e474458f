"""A device's source as the patcher that Max reads."""

import json
import re
from typing import Any, Final

from max4live.builder.container import DeviceFile, DeviceKind, freeze
from max4live.builder.objects import OBJECTS
from max4live.builder.sources import SCRIPT_NAME, DeviceSource, read_device, read_script

HEIGHT_PX: Final = 169.0
"""Live shows so much of a device."""
_TYPES: Final = {"float": 0, "int": 1, "enum": 2}
LARGEST_INT: Final = 255
"""Live keeps a parameter of whole numbers in one byte; beyond, Max wants a float that is shown as a whole number."""
_UNITS: Final = {"int": 0, "float": 1, "percent": 5}
_CORD: Final = re.compile(r"^(?P<source>[\w-]+)(?: (?P<outlet>\d+))? -> (?P<target>[\w-]+)(?: (?P<inlet>\d+))?$")


def build(name: str) -> tuple[str, bytes]:
    """Return the file name and the bytes of a device of `patchers/`."""
    source = read_device(name)
    patcher = json.dumps(patcher_of(source), indent=1, sort_keys=True, ensure_ascii=True)
    files = [
        DeviceFile(name=f"{source.name}.amxd", type=b"JSON", data=patcher.encode("ascii") + b"\n\0"),
        DeviceFile(name=SCRIPT_NAME, type=b"TEXT", data=read_script().encode("ascii")),
    ]
    return f"{source.name}.amxd", freeze(source.kind, files)


def patcher_of(source: DeviceSource) -> dict[str, Any]:
    """Return the patcher as the JSON that Max reads."""
    return {
        "patcher": {
            "fileversion": 1,
            "appversion": {"major": 8, "minor": 5, "revision": 0, "architecture": "x64", "modernui": 1},
            "classnamespace": "box",
            "rect": [80.0, 80.0, 1000.0, 700.0],
            "openrect": [0.0, 0.0, source.width, HEIGHT_PX],
            "openinpresentation": 1,
            "default_fontsize": 10.0,
            "default_fontname": "Arial",
            "gridsize": [4.0, 4.0],
            "boxes": [{"box": _box(box, place)} for place, box in enumerate(source.boxes)],
            "lines": [{"patchline": _line(cord)} for cord in source.cords],
            "dependency_cache": [
                {"name": SCRIPT_NAME, "bootpath": ".", "patcherrelativepath": ".", "type": "TEXT", "implicit": 1}
            ],
            "latency": 0,
            "is_mpe": 0,
            "project": _project(source.kind),
            "autosave": 0,
        }
    }


def _project(kind: DeviceKind) -> dict[str, Any]:
    return {
        "version": 1,
        "creationdate": 3590052786,
        "modificationdate": 3590052786,
        "viewrect": [0.0, 0.0, 300.0, 500.0],
        "autoorganize": 1,
        "hideprojectwindow": 1,
        "showdependencies": 1,
        "autolocalize": 0,
        "contents": {"patchers": {}, "code": {SCRIPT_NAME: {"kind": "javascript", "local": 1}}},
        "layout": {},
        "searchpath": {},
        "detailsvisible": 0,
        "amxdtype": kind.number,
        "readonly": 0,
        "devpathtype": 0,
        "devpath": ".",
        "sortmode": 0,
        "viewmode": 0,
    }


def _box(raw: dict[str, Any], place: int) -> dict[str, Any]:
    """Return one box; `raw` has ``id``, ``is`` (the object with its arguments), and what else it needs."""
    words = raw["is"].split(" ", 1)
    known = OBJECTS[words[0]]
    box: dict[str, Any] = {
        "id": raw["id"],
        "maxclass": words[0] if known.is_control else "newobj",
        "numinlets": known.inlets,
        "numoutlets": len(known.outlets),
        "patching_rect": [20.0 + place % 5 * 190.0, 20.0 + place // 5 * 44.0, 170.0, 22.0],
    }
    if known.outlets:
        box["outlettype"] = list(known.outlets)
    if not known.is_control:
        box["text"] = raw["is"]
    elif len(words) > 1:
        box["text"] = words[1]
    if "at" in raw:
        box |= {"presentation": 1, "presentation_rect": [float(number) for number in raw["at"]]}
    if words[0] == "jsui":
        box |= {"filename": SCRIPT_NAME, "jsarguments": raw["arguments"], "parameter_enable": 0, "border": 0}
    elif known.is_parameter:
        box |= _parameter(raw)
    more: dict[str, Any] = raw.get("with", {})
    return box | more


def _parameter(raw: dict[str, Any]) -> dict[str, Any]:
    """Return what makes a control a parameter of Live: stored with the set, mapped, automated."""
    kind = raw["type"]
    if kind == "int" and not 0 <= raw["least"] <= raw["most"] <= LARGEST_INT:
        kind = "float"
    value: dict[str, Any] = {
        "parameter_longname": raw["name"],
        "parameter_shortname": raw.get("short", raw["name"]),
        "parameter_type": _TYPES[kind],
        "parameter_initial_enable": 1,
        "parameter_initial": [raw.get("initial", 0)],
        "parameter_mmin": float(raw.get("least", 0)),
        "parameter_mmax": float(raw.get("most", 1)),
    }
    if raw["type"] == "enum":
        words = raw["words"]
        value |= {"parameter_enum": words, "parameter_mmax": float(len(words) - 1)}
    else:
        value["parameter_unitstyle"] = _UNITS[raw.get("unit", raw["type"])]
    if not raw.get("stored", True):
        # A button: nothing to store, nothing to draw as automation.
        value["parameter_invisible"] = 2
    return {
        "parameter_enable": 1,
        "varname": raw["id"],
        "saved_attribute_attributes": {"valueof": value},
    }


def _line(cord: str) -> dict[str, Any]:
    found = _CORD.match(cord)
    if found is None:
        raise ValueError(f"{cord!r} is no cord: write `from 0 -> to 1`")
    return {
        "source": [found["source"], int(found["outlet"] or 0)],
        "destination": [found["target"], int(found["inlet"] or 0)],
    }
