"""The error tree, split by what the caller can do.

::

    CratehandError                   code: stable text that goes over the wire
    ├── NotFoundError                not_found          it does not exist there
    ├── InvalidInputError            invalid_input      the caller can correct it
    │   └── CorruptFileError         corrupt_file       the file can not be read
    ├── ConflictError                conflict           somebody else changed it, or holds it; look again
    ├── UnauthorizedError            unauthorized       show the token again
    ├── UnavailableError             unavailable        try later, `retry_after_s` says when
    │   └── RateLimitedError         rate_limited
    ├── UnsupportedError             unsupported        this build, device or file kind can not
    └── InternalError                internal           our bug; the log has the trace

A message says what, where and what to do, in one line.
"""

from typing import ClassVar


class CratehandError(Exception):
    """Root of all errors that cratehand raises on purpose."""

    code: ClassVar[str] = "internal"


class NotFoundError(CratehandError):
    """The thing asked for does not exist."""

    code = "not_found"


class InvalidInputError(CratehandError):
    """The caller gave something that can not be used and can correct it."""

    code = "invalid_input"


class CorruptFileError(InvalidInputError):
    """A file is there but can not be read as what it claims to be."""

    code = "corrupt_file"


class ConflictError(CratehandError):
    """Somebody else changed or holds the thing."""

    code = "conflict"


class UnauthorizedError(CratehandError):
    """The caller did not show a valid token."""

    code = "unauthorized"


class UnavailableError(CratehandError):
    """Not possible now; may be later."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimitedError(UnavailableError):
    """A foreign service asked us to slow down."""

    code = "rate_limited"


class UnsupportedError(CratehandError):
    """This build, device or file kind can not do it."""

    code = "unsupported"


class InternalError(CratehandError):
    """A bug of ours."""

    code = "internal"
