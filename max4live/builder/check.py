"""The rules a device has to keep: what breaks one is not told by Max, the device just does not work."""

import re
from functools import cache
from typing import Any, Final

import esprima

from max4live.builder.container import DeviceFile
from max4live.builder.objects import OBJECTS
from max4live.builder.patcher import LARGEST_INT

_LONGEST_SYMBOL: Final = 2_048
_INT: Final = 1
_NOT_ES5: Final = re.compile(r"\boutlet\s*\.\s*apply\b")


def faults(patcher: dict[str, Any], files: list[DeviceFile]) -> list[str]:
    """Return what is wrong with a device, in words; nothing where all is well."""
    boxes = [entry["box"] for entry in patcher["boxes"]]
    found = [*_twice([box["id"] for box in boxes], "id"), *_twice(_long_names(boxes), "parameter name")]
    for box in boxes:
        found.extend(_box_faults(box))
        found.extend(_parameter_faults(box))
    found.extend(_line_faults(patcher["lines"], {box["id"]: box for box in boxes}))
    present = {file.name for file in files}
    needed = {box["filename"] for box in boxes if "filename" in box}
    needed |= {entry["name"] for entry in patcher["dependency_cache"]}
    found.extend(f"{name} is not in the container" for name in sorted(needed - present))
    for file in files:
        if file.type == b"TEXT":
            found.extend(f"{file.name}: {fault}" for fault in script_faults(file.data.decode("utf-8")))
    return found


@cache
def script_faults(script: str) -> tuple[str, ...]:
    """Return what Max's `js` would refuse or Live would crash on: anything after ES5, and ``outlet.apply``."""
    found = [f"outlet.apply crashes Live (at {match.start()})" for match in _NOT_ES5.finditer(script)]
    if not script.isascii():
        found.append("a character outside ASCII")
    try:
        tree = esprima.parseScript(script)
    except esprima.Error as error:
        return (*found, str(error))
    return (*found, *_modern(tree.toDict()))


_MODERN: Final = {
    "ArrowFunctionExpression": "an arrow function",
    "AwaitExpression": "await",
    "ClassDeclaration": "a class",
    "ClassExpression": "a class",
    "ForOfStatement": "for ... of",
    "TemplateLiteral": "a template string",
    "SpreadElement": "spread",
    "RestElement": "a rest argument",
    "ArrayPattern": "destructuring",
    "ObjectPattern": "destructuring",
    "AssignmentPattern": "a default value",
    "YieldExpression": "yield",
    "MetaProperty": "new.target",
    "Super": "super",
}


def _modern(node: Any) -> list[str]:
    """Walk the tree for what came after ES5; a parser that has an ES5 mode does not exist for Python."""
    found: list[str] = []
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, list):
            waiting.extend(current)
            continue
        if not isinstance(current, dict):
            continue
        kind = current.get("type")
        if kind in _MODERN:
            found.append(_MODERN[kind])
        elif kind == "VariableDeclaration" and current.get("kind") != "var":
            found.append(str(current.get("kind")))
        elif kind == "Property" and (current.get("shorthand") or current.get("method") or current.get("computed")):
            found.append("a short property")
        elif kind in {"FunctionDeclaration", "FunctionExpression"} and (
            current.get("generator") or current.get("isAsync") or current.get("async")
        ):
            found.append("a generator or async function")
        elif kind == "BinaryExpression" and current.get("operator") == "**":
            found.append("**")
        waiting.extend(current.values())
    return found


def _long_names(boxes: list[dict[str, Any]]) -> list[str]:
    values = [box["saved_attribute_attributes"]["valueof"] for box in boxes if box.get("parameter_enable")]
    return [value["parameter_longname"] for value in values]


def _parameter_faults(box: dict[str, Any]) -> list[str]:
    """Return what Live would make another value of than we wrote."""
    if not box.get("parameter_enable"):
        return []
    value = box["saved_attribute_attributes"]["valueof"]
    low, high, first = value["parameter_mmin"], value["parameter_mmax"], value["parameter_initial"][0]
    found = []
    if value["parameter_type"] == _INT and not 0 <= low <= high <= LARGEST_INT:
        found.append(f"{box['id']}: a whole number of Live is 0 to {LARGEST_INT}, not {low:g} to {high:g}")
    if not low <= first <= high:
        found.append(f"{box['id']}: begins at {first}, outside of {low:g} to {high:g}")
    return found


def _twice(names: list[str], what: str) -> list[str]:
    return sorted({f"{what} {name} is there twice" for name in names if names.count(name) > 1})


def _box_faults(box: dict[str, Any]) -> list[str]:
    name = str(box.get("text", "")).split(" ")[0] if box["maxclass"] == "newobj" else box["maxclass"]
    known = OBJECTS.get(name)
    if known is None or known.is_control != (box["maxclass"] != "newobj"):
        return [f"{box['id']}: Max has no object {name!r}, or not as a {box['maxclass']}"]
    found = []
    if (box["numinlets"], box["numoutlets"]) != (known.inlets, len(known.outlets)):
        found.append(f"{box['id']}: {name} has {known.inlets} inlets and {len(known.outlets)} outlets")
    if "#0" in str(box.get("text", "")):
        found.append(f"{box['id']}: #0 means nothing in a device, --- does")
    if len(str(box.get("text", ""))) > _LONGEST_SYMBOL:
        found.append(f"{box['id']}: the text is too long")
    return found


def _line_faults(lines: list[dict[str, Any]], boxes: dict[str, dict[str, Any]]) -> list[str]:
    found = []
    for entry in lines:
        (source, outlet), (target, inlet) = entry["patchline"]["source"], entry["patchline"]["destination"]
        for name in (source, target):
            if name not in boxes:
                found.append(f"a cord ends at {name}, which is not there")
        if source in boxes and outlet >= boxes[source]["numoutlets"]:
            found.append(f"{source} has no outlet {outlet}")
        if target in boxes and inlet >= boxes[target]["numinlets"]:
            found.append(f"{target} has no inlet {inlet}")
    return found
