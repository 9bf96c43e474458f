"""Domain error to gRPC status: the only table, and how an error travels."""

import math
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, NoReturn, TypeAlias

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message

from cratehand.domain.errors import (
    ConflictError,
    CorruptFileError,
    CratehandError,
    InternalError,
    InvalidInputError,
    NotFoundError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedError,
)
from cratehand.servers.wire_values import text
from cratehand_api.v1 import errors_pb2

STATUS_OF: Final[Mapping[type[CratehandError], grpc.StatusCode]] = {
    CratehandError: grpc.StatusCode.INTERNAL,
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    InvalidInputError: grpc.StatusCode.INVALID_ARGUMENT,
    CorruptFileError: grpc.StatusCode.INVALID_ARGUMENT,
    ConflictError: grpc.StatusCode.ABORTED,
    UnauthorizedError: grpc.StatusCode.UNAUTHENTICATED,
    UnavailableError: grpc.StatusCode.UNAVAILABLE,
    RateLimitedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    UnsupportedError: grpc.StatusCode.UNIMPLEMENTED,
    InternalError: grpc.StatusCode.INTERNAL,
}
"""Every class of the tree has a row of its own; a test walks the tree."""

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Responses: TypeAlias = AsyncIterator[Any]

_LONGEST_ASCII: Final = 1_000
_LONGEST_OTHER: Final = 300
"""Characters of a message that are sent: all metadata of an answer have to fit into 8 kB, percent-encoded."""


def status_of(error: CratehandError) -> grpc.StatusCode:
    """Return the status of an error by its class, or by the nearest class above it."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


async def abort(context: Context, error: CratehandError) -> NoReturn:
    """End the call with an error of the tree: status, stable code, when to try again."""
    status = status_of(error)
    message = text(str(error))
    message = message[: _LONGEST_ASCII if message.isascii() else _LONGEST_OTHER]
    retry_after_s = error.retry_after_s if isinstance(error, UnavailableError) else None
    metadata: list[tuple[str, str | bytes]] = [("cratehand-code", error.code)]
    details: list[Message] = [errors_pb2.ErrorInfo(reason=error.code, domain="cratehand")]
    if retry_after_s is not None and math.isfinite(retry_after_s):
        metadata.append(("cratehand-retry-after-s", f"{max(retry_after_s, 0.0):g}"))
        retry = errors_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(round(max(retry_after_s, 0.0) * 1e9))
        details.append(retry)
    packed = errors_pb2.ErrorStatus(
        code=status.value[0], message=message, details=[_pack(detail) for detail in details]
    )
    metadata.append(("grpc-status-details-bin", packed.SerializeToString()))
    await context.abort(status, message, tuple(metadata))


def _pack(detail: Message) -> AnyMessage:
    # The type names of google.rpc: clients look for those, and the wire form is the same.
    name = detail.DESCRIPTOR.name
    return AnyMessage(type_url=f"type.googleapis.com/google.rpc.{name}", value=detail.SerializeToString())
