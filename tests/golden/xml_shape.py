"""An XML collection as plain values, to compare two files attribute by attribute."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import iterparse

Shape = tuple[str, tuple[tuple[str, str], ...]]

_EMPTY_TREE = (("PLAYLISTS", ()), ("NODE", (("Type", "0"), ("Name", "ROOT"), ("Count", "0"))))


def shapes(source: Path | bytes) -> Iterator[Shape]:
    """Yield name and attributes of every element in the order of their ends, the cues of a track in one order."""
    stream = BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with stream:
        for _, element in iterparse(stream, forbid_dtd=True):
            if element.tag == "TRACK" and "TrackID" in element.attrib:
                yield from _track(element)
                element.clear()
            elif element.tag not in {"TEMPO", "POSITION_MARK"}:
                yield element.tag, tuple(element.items())


def _track(element: Element) -> Iterator[Shape]:
    yield "TRACK", tuple(element.items())
    yield from (("TEMPO", tuple(child.items())) for child in element.iter("TEMPO"))
    yield from sorted(("POSITION_MARK", tuple(child.items())) for child in element.iter("POSITION_MARK"))


def differences(one: Path | bytes, other: Path | bytes) -> list[str]:
    """Return a line for every attribute that differs, and for every element that only one has.

    PRODUCT aside, and an empty playlist tree, which an export may leave out.
    """
    ours = [shape for shape in shapes(one) if shape not in _EMPTY_TREE and shape[0] != "PRODUCT"]
    theirs = [shape for shape in shapes(other) if shape not in _EMPTY_TREE and shape[0] != "PRODUCT"]
    found = [] if len(ours) == len(theirs) else [f"{len(ours)} elements against {len(theirs)}"]
    for (name, attributes), (its_name, its_attributes) in zip(ours, theirs, strict=False):
        if name != its_name:
            found.append(f"{name} against {its_name}")
            break
        if attributes != its_attributes:
            only = sorted(set(attributes) ^ set(its_attributes))
            found += [f"{name} {key}: {value!r}" for key, value in only] or [f"{name}: another order"]
    return found
