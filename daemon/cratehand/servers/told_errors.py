"""What a client is told of an error, whichever server it asked."""

import logging
import secrets

from cratehand.domain.errors import CratehandError, InternalError, UnavailableError

logger = logging.getLogger(__name__)


def as_told(error: BaseException, *, doing: str) -> CratehandError:
    """Return what a client is told of any error: those of the tree as they are, a bug of ours as a reference only.

    A bug is logged here with its trace under the same reference.
    """
    if isinstance(error, CratehandError) and error.code != InternalError.code:
        return error
    if isinstance(error, TimeoutError):
        return UnavailableError(f"{doing} took too long; it may still be carried out: look before you try again")
    reference = secrets.token_hex(4)
    logger.error("%s failed, reference %s", doing, reference, exc_info=error)
    return InternalError(f"a bug of cratehand's: please report it with the reference {reference}; the log has more")
