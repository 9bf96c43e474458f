"""Rekordbox XML as other programs really write it, read one element after another."""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from xml.sax import SAXParseException

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from cratehand.domain.collection import CollectionChange
from cratehand.domain.errors import CorruptFileError, InvalidInputError, NotFoundError, UnavailableError
from cratehand_rekordbox_export.collection_parser import CollectionParser, ReadReport
from cratehand_rekordbox_export.stream import CleanedXml

_log = logging.getLogger(__name__)

ROOT: Final = "DJ_PLAYLISTS"
LONGEST_TAG_BYTES: Final = 8 << 20
"""Tags of exports have some hundred bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """A collection and what was noticed while reading it."""

    change: CollectionChange
    report: ReadReport


def read_collection(source: BinaryIO | Path) -> CollectionChange:
    """Read a whole collection from Rekordbox XML; see `parse_collection`."""
    return parse_collection(source).change


def parse_collection(source: BinaryIO | Path) -> ReadResult:
    """Read a whole collection from Rekordbox XML, with a report of everything that was mended or left out.

    The file is never in memory, only what it says. Accepts what real exports contain: no PRODUCT or PLAYLISTS, a byte
    order mark, CRLF, any declaration, Locations without escapes, unknown attributes of a TRACK (kept), control
    characters, unsorted beat grids, numbers with a decimal comma, double TrackIDs, playlists by Location.

    Args:
        source: A path, or a stream of bytes, which stays open.

    Raises:
        NotFoundError: No such file.
        UnavailableError: It can not be opened or read now.
        InvalidInputError: Another kind of XML, or one with a DTD or entities, which no export has.
        CorruptFileError: Empty, not XML, or cut off; the message has the line.
    """
    with _opened(source) as (stream, name):
        report = ReadReport()
        parser = CollectionParser(report)
        cleaned = CleanedXml(stream)
        _feed(cleaned, parser, name)
        change = parser.result()
        report.removed_characters = cleaned.removed_characters
    for note in report.notes():
        _log.info("reading %s: %s", name, note)
    return ReadResult(change=change, report=report)


@contextlib.contextmanager
def _opened(source: BinaryIO | Path) -> Iterator[tuple[BinaryIO, str]]:
    if not isinstance(source, Path):
        yield source, str(getattr(source, "name", "the XML"))
        return
    try:
        with source.open("rb") as stream:
            yield stream, str(source)
    except FileNotFoundError as error:
        raise NotFoundError(f"{source} does not exist") from error
    except IsADirectoryError as error:
        raise InvalidInputError(f"{source} is a folder, not an XML file") from error
    except OSError as error:
        raise UnavailableError(f"{source} can not be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InvalidInputError(f"{str(source)!r} can not be the name of a file: {error}") from error


def _feed(cleaned: CleanedXml, handler: CollectionParser, name: str) -> None:
    parser = DefusedExpatParser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    parser.setContentHandler(handler)
    try:
        _feed_chunks(cleaned, parser, handler, name)
        parser.close()
    except DefusedXmlException as error:
        raise InvalidInputError(
            f"{name}, line {parser.getLineNumber()}: it declares a document type or entities, which no export of "
            "Rekordbox does and which can be harmful; it was not read"
        ) from error
    except (SAXParseException, LookupError, ValueError) as error:  # LookupError and ValueError: an unknown encoding
        raise CorruptFileError(_damage(name, error, handler)) from error
    if handler.root is None:
        raise CorruptFileError(f"{name} is not XML")


def _feed_chunks(cleaned: CleanedXml, parser: DefusedExpatParser, handler: CollectionParser, name: str) -> None:
    place: tuple[int, int | None] = (0, None)
    waiting_bytes, empty = 0, True
    while chunk := cleaned.read():
        empty = False
        parser.feed(chunk)
        if handler.root not in {None, ROOT}:
            raise InvalidInputError(
                f"{name} is XML, but no Rekordbox collection: it begins with <{handler.root}>, not <{ROOT}>"
            )
        before, place = place, (parser.getLineNumber(), parser.getColumnNumber())
        waiting_bytes = waiting_bytes + len(chunk) if place == before else 0
        if waiting_bytes > LONGEST_TAG_BYTES:
            # Expat looks at an unfinished tag from its beginning again with every chunk.
            raise CorruptFileError(
                f"{name}, line {place[0]}: a tag is longer than {LONGEST_TAG_BYTES >> 20} MB; no export has one"
            )
    if empty:
        raise CorruptFileError(f"{name} is empty; export the collection from Rekordbox again")


def _damage(name: str, error: Exception, handler: CollectionParser) -> str:
    line = error.getLineNumber() if isinstance(error, SAXParseException) else None
    reason = error.getMessage() if isinstance(error, SAXParseException) else str(error)
    where = f"{name}, line {line}" if line else name
    if handler.root is None:
        return f"{where}: this is not XML ({reason})"
    if reason in {"no element found", "unclosed token", "unclosed CDATA section", "partial character"}:
        return f"{where}: the file ends in the middle; export it from Rekordbox again"
    return f"{where}: damaged XML ({reason}); export it from Rekordbox again"
