"""Who may call: health and reflection anybody, everything else only with the token."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc

from cratehand.domain.errors import InvalidInputError, UnauthorizedError
from cratehand.servers.grpc.errors import Context, abort

_OPEN: Final = (
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1alpha.ServerReflection/",
    "/grpc.reflection.v1.ServerReflection/",
)
_SCHEME: Final = b"bearer "

Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Any]]
"""Gives the handler of a method; None where there is none."""


class TokenGuard(grpc.aio.ServerInterceptor):
    """Refuses calls without metadata ``authorization: Bearer <token>``, whatever the shape of the method."""

    def __init__(self, token: str) -> None:
        if not token.strip():
            raise InvalidInputError("the gRPC server needs a token that is not empty")
        self._token = token.strip().encode()

    async def intercept_service(self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Let the call pass, or hand back a handler of the same shape that refuses it."""
        handler = await continuation(handler_call_details)
        if handler is None or str(handler_call_details.method).startswith(_OPEN) or self._shown(handler_call_details):
            return handler
        make = _MAKE_HANDLER[bool(handler.request_streaming), bool(handler.response_streaming)]
        return make(_refuse)

    def _shown(self, details: grpc.HandlerCallDetails) -> bool:
        shown = False
        for name, value in details.invocation_metadata or ():
            if name == "authorization":
                raw = value.encode("utf-8", "replace") if isinstance(value, str) else value
                is_bearer = raw[: len(_SCHEME)].lower() == _SCHEME
                shown |= hmac.compare_digest(raw[len(_SCHEME) :].strip(), self._token) and is_bearer
        return shown


_MAKE_HANDLER: Final[dict[tuple[bool, bool], Callable[..., Any]]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


async def _refuse(_: Any, context: Context) -> None:
    message = "show the token as metadata 'authorization: Bearer TOKEN'; it lies in the file that ready.json names"
    await abort(context, UnauthorizedError(message))
