"""What holds for every call: errors become statuses, nothing lasts for ever, streams end with the server."""

import asyncio
from contextlib import aclosing
from typing import Any, Final

import grpc

from cratehand.domain.errors import RateLimitedError, UnavailableError
from cratehand.servers.grpc.authorization import Continuation
from cratehand.servers.grpc.errors import Context, abort
from cratehand.servers.told_errors import as_told

_OURS: Final = "/cratehand_api.v1."
_LONGEST_S: Final = {"/cratehand_api.v1.Export/": 600.0, "/cratehand_api.v1.Upgrades/": 600.0}
_LONGEST_OTHERS_S: Final = 30.0
_STREAMS: Final = 64
"""Streams at the same time, of all clients together."""


class CallRules(grpc.aio.ServerInterceptor):
    """Wraps every method of ours."""

    def __init__(self) -> None:
        self._streams: set[asyncio.Task[Any]] = set()
        self._ending = asyncio.Event()

    @property
    def open_streams(self) -> int:
        """How many streams are open now."""
        return len(self._streams)

    def end_streams(self) -> None:
        """End all streams with UNAVAILABLE and take no new ones; the clients are to connect again later."""
        self._ending.set()
        for task in self._streams:
            task.cancel()

    async def intercept_service(self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Hand back the wrapped handler."""
        handler = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or not method.startswith(_OURS):
            return handler
        coders = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(self._stream(handler.unary_stream, method), **coders)
        return grpc.unary_unary_rpc_method_handler(_unary(handler.unary_unary, method), **coders)

    def _stream(self, responses: Any, method: str) -> Any:
        # A coroutine that writes, not a generator: a cancelled call then unwinds here and now, with its subscription.
        async def respond(request: Any, context: Context) -> None:
            task = asyncio.current_task()
            assert task is not None
            if self._ending.is_set():
                await abort(context, _going())
            if len(self._streams) >= _STREAMS:
                await abort(context, RateLimitedError(f"{_STREAMS} streams are open: close one", retry_after_s=5.0))
            self._streams.add(task)
            try:
                async with aclosing(responses(request, context)) as stream:
                    async for response in stream:
                        await context.write(response)
                return
            except asyncio.CancelledError:
                if not self._ending.is_set():
                    raise
                task.uncancel()
                told: Exception = _going()
            except Exception as error:
                # The edge: whatever went wrong is told the client as a status, and logged where it is our bug.
                told = error
            finally:
                self._streams.discard(task)
            await abort(context, as_told(told, doing=method))

        return respond


def _unary(answer: Any, method: str) -> Any:
    longest_s = next((limit for prefix, limit in _LONGEST_S.items() if method.startswith(prefix)), _LONGEST_OTHERS_S)

    async def respond(request: Any, context: Context) -> Any:
        try:
            async with asyncio.timeout(longest_s):
                return await answer(request, context)
        except Exception as error:
            # The edge, as above.
            told = as_told(error, doing=method)
        return await abort(context, told)

    return respond


def _going() -> UnavailableError:
    return UnavailableError("cratehand is shutting down: connect again when it runs", retry_after_s=2.0)
