"""One file over HTTP: goes on where it was cut off, gives up on a server that stalls, knows a web page from weights."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import tenacity

from cratehand.domain.errors import CorruptFileError, NotFoundError, UnavailableError

_TRIES: Final = 4
_TIMEOUT: Final = httpx.Timeout(30.0, connect=15.0)
_GONE: Final = frozenset({401, 403, 404, 410})
_PARTIAL: Final = 206
_RANGE_NOT_SATISFIABLE: Final = 416


class Downloader:
    """Downloads files."""

    def __init__(
        self,
        *,
        timeout: httpx.Timeout = _TIMEOUT,
        wait: tenacity.wait.wait_base = tenacity.wait_random_exponential(multiplier=1.0, max=30.0),  # noqa: B008 immutable
    ) -> None:
        self._timeout = timeout
        self._wait = wait

    def download(self, address: str, part: Path, *, size_bytes: int, on_bytes: Callable[[int], None]) -> None:
        """Bring a file to its full size; what `part` holds already is not asked for again.

        Args:
            address: ``http`` or ``https``.
            part: Where it is written, and left where this raises, so that the next try goes on from there.
            size_bytes: How long the file is.
            on_bytes: Told how many more bytes are there, after each piece; negative where it begins anew.

        Raises:
            NotFoundError: The server does not have it, or does not give it.
            CorruptFileError: It answers with something else: a web page, or a file of another length.
            UnavailableError: It can not be reached, stalls, or breaks off again and again; or the disk is full.
        """
        on_bytes(part.stat().st_size if part.exists() else 0)
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_TRIES),
            wait=self._wait,
            retry=tenacity.retry_if_exception_type(httpx.TransportError),
            reraise=True,
        )
        try:
            with httpx.Client(timeout=self._timeout, follow_redirects=True) as client:
                retrying(self._go_on, client, address, part, size_bytes, on_bytes)
        except httpx.HTTPError as error:
            what = str(error) or type(error).__name__
            raise UnavailableError(
                f"{address} could not be fetched ({what}): try again, it goes on from there"
            ) from error
        except OSError as error:
            raise UnavailableError(
                f"{part} could not be written: {error.strerror or error}; make room and try again"
            ) from error

    def read_small(self, address: str) -> bytes:
        """Return a file of a few kilobytes; raises as `download`."""
        try:
            with httpx.Client(timeout=self._timeout, follow_redirects=True) as client:
                answer = client.get(address)
        except httpx.HTTPError as error:
            raise UnavailableError(f"{address} could not be fetched ({str(error) or type(error).__name__})") from error
        if answer.status_code in _GONE:
            raise NotFoundError(f"{address} answers {answer.status_code} {answer.reason_phrase}: it is not there")
        if answer.is_error:
            raise UnavailableError(f"{address} answers {answer.status_code} {answer.reason_phrase}: try again later")
        return answer.content

    def _go_on(
        self, client: httpx.Client, address: str, part: Path, size_bytes: int, on_bytes: Callable[[int], None]
    ) -> None:
        have = part.stat().st_size if part.exists() else 0
        if have > size_bytes:
            on_bytes(-have)
            part.unlink()
            have = 0
        if have == size_bytes:
            return
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with client.stream("GET", address, headers=headers) as answer:
            resumed = self._check(address, answer, size_bytes)
            with part.open("ab" if resumed else "wb") as file:
                if have and not resumed:
                    on_bytes(-have)
                for piece in answer.iter_bytes():  # as they come: gathered into larger ones the last would be lost
                    file.write(piece)
                    on_bytes(len(piece))
                file.flush()
                os.fsync(file.fileno())
        if (found := part.stat().st_size) < size_bytes:
            raise httpx.RemoteProtocolError(f"broke off at {found} of {size_bytes} bytes")

    @staticmethod
    def _check(address: str, answer: httpx.Response, size_bytes: int) -> bool:
        """Return whether the answer goes on where it was cut off."""
        if answer.status_code in _GONE:
            raise NotFoundError(
                f"{address} answers {answer.status_code} {answer.reason_phrase}: it is not to be had there"
            )
        if answer.status_code != _RANGE_NOT_SATISFIABLE and answer.is_error:
            raise httpx.RemoteProtocolError(f"answers {answer.status_code} {answer.reason_phrase}")
        if answer.headers.get("content-type", "").lower().startswith("text/html"):
            raise CorruptFileError(f"{address} answers with a web page instead of weights: is a sign-in in between?")
        resumed = answer.status_code == _PARTIAL
        length = (
            answer.headers.get("content-range", "").rpartition("/")[2]
            if resumed
            else answer.headers.get("content-length")
        )
        if answer.status_code == _RANGE_NOT_SATISFIABLE or (
            length and length.isdecimal() and int(length) != size_bytes
        ):
            raise CorruptFileError(
                f"{address} has {length or 'fewer'} bytes, the manifest says {size_bytes}: another file"
            )
        return resumed
