"""The OSC server: sessions, requests that are done once whatever is repeated, events."""

import asyncio
import hmac
import logging
import secrets
from dataclasses import dataclass
from typing import Final, Protocol

from cratehand.domain.errors import (
    CratehandError,
    InvalidInputError,
    RateLimitedError,
    UnauthorizedError,
    UnsupportedError,
)
from cratehand.domain.ports import Clock
from cratehand.servers.http.shelf import new_token
from cratehand.servers.listening import Listener, bind_error, is_loopback, reachable_address
from cratehand.servers.osc.addresses import INWARD, OUTWARD, PROTOCOL_VERSION, Address, Value, read_arguments, rest_of
from cratehand.servers.osc.datagrams import Message, encode
from cratehand.servers.osc.drum_clips import keep_clip
from cratehand.servers.osc.endpoint import Endpoint, open_socket
from cratehand.servers.osc.event_feed import EventFeed
from cratehand.servers.osc.requests import Arguments, Requests
from cratehand.servers.osc.sessions import Answer, Place, Session, Sessions
from cratehand.servers.told_errors import as_told
from cratehand.usecases.use_cases import UseCases

logger = logging.getLogger(__name__)

UNKNOWN_SESSION: Final = "unknown_session"
"""Code of the err that tells a device to say hello again."""

CAPABILITIES: Final = "results events"
_ACK_AFTER_S: Final = 0.1
_LONGEST_S: Final = 30.0
_LONGEST_STEMS_S: Final = 4 * 3600.0
_AT_ONCE: Final = 64
_LONGEST_INSTANCE: Final = 64
_AGAIN_S: Final = 1.0


class Bulk(Protocol):
    """Where results wait to be fetched; `cratehand.servers.http.server.HttpServer` is one."""

    @property
    def port(self) -> int: ...

    def offer(self, body: bytes, *, content_type: str = ..., token: str | None = ...) -> str:
        """Let `body` wait under a token."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that is worked on."""

    path: str
    session: Session
    request: int
    arguments: Arguments
    answer: Answer


class OscServer:
    """Serves while its context is open.

    Args:
        use_cases: What requests call.
        http: Takes the results that devices fetch.
        host: Name or address to listen on; anything but loopback is for the user to ask for.
        port: 0 picks a free one.
        clock: Tells when a session has been silent for too long.
        token: What devices on other computers have to show in their hello; without one those are refused.
        first_session: Number to count sessions from; a random one where absent.
        bulk_folder: Absolute path of a folder that devices on this computer may write what they fetch into.
    """

    def __init__(  # noqa: PLR0913 - a composition point: each is one thing the server needs
        self,
        use_cases: UseCases,
        http: Bulk,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock,
        token: str | None = None,
        first_session: int | None = None,
        bulk_folder: str = "",
    ) -> None:
        self._use_cases = use_cases
        self._http = http
        self._listener = Listener(server="OSC", host=host, port=port, kind="udp", setting="osc_port")
        self._token = token
        self._bulk_folder = bulk_folder
        first = secrets.randbelow(2**24) if first_session is None else first_session
        self._sessions = Sessions(clock=clock, first_number=first)
        self._endpoint = Endpoint(self._receive, clock=clock)
        self._feed = EventFeed(use_cases, sessions=self._sessions, send=self._endpoint.send)
        self._requests = Requests(use_cases, tell_of_job=self._feed.tell_of_job)
        self._work: set[asyncio.Task[None]] = set()
        self._feeding: asyncio.Task[None] | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """``HOST:PORT`` for devices on this computer, e.g. ``127.0.0.1:9200``."""
        return reachable_address(self._listener.host, self._port)

    @property
    def port(self) -> int:
        """The port it listens on; 0 before it does."""
        return self._port

    @property
    def malformed(self) -> int:
        """How many datagrams were no message of ours."""
        return self._endpoint.malformed

    @property
    def session_count(self) -> int:
        """How many devices are connected."""
        return len(self._sessions)

    async def __aenter__(self) -> "OscServer":
        """Listen.

        Raises:
            ConflictError: The port is taken.
            InvalidInputError: No such host here, or a port the system keeps.
        """
        try:
            opened = open_socket(self._listener)
        except OSError as error:
            raise await asyncio.to_thread(bind_error, self._listener, error) from error
        self._port = opened.getsockname()[1]
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self._endpoint, sock=opened)
        self._feeding = asyncio.create_task(self._keep_feeding(), name="osc: feed")
        logger.info("OSC listens on %s", self.address)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop: what is worked on is left, devices notice by the missing pong."""
        tasks = [*self._work, *([self._feeding] if self._feeding else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._use_cases.playback.close()
        await self._endpoint.close()

    async def _keep_feeding(self) -> None:
        while True:
            try:
                await self._feed.run()
            except Exception:
                # The owner of the feed: devices must not lose all later events to one bug.
                logger.exception("the event feed of OSC failed and starts anew")
                await asyncio.sleep(_AGAIN_S)

    def _receive(self, message: Message, source: Place) -> None:
        if message.path in OUTWARD:
            # Our own words come back: a device sends to itself, or two servers to each other. Never answer.
            return
        match message.path:
            case "/cratehand/ping":
                self._pong(message, source)
            case "/cratehand/hello":
                self._hello(message, source)
            case _:
                self._request(message, source)

    def _pong(self, message: Message, source: Place) -> None:
        try:
            arguments = read_arguments(INWARD[message.path], message.values)
        except InvalidInputError as error:
            self._endpoint.complain(source, 0, f"{message.path}: {error}")
            return
        number = arguments.get("session")
        session = self._sessions.hear_from(source) if number is None else self._sessions.hear(int(number), source[0])
        place = source if session is None else session.reply_to
        if number is not None and session is None:
            place = self._sessions.reply_place(int(number), source)
            self._refuse_unknown(int(number), 0, place)
        self._endpoint.send(encode("/cratehand/pong", arguments["n"]), place)

    def _hello(self, message: Message, source: Place) -> None:
        place = _reply_place(message.values, source)
        try:
            session = self._begin(message.values, source, place)
        except CratehandError as error:
            self._endpoint.send(encode("/cratehand/err", 0, 0, error.code, str(error)), place)
            logger.warning("a device at %s was refused: %s", source[0], error)
            return
        values: list[Value] = [PROTOCOL_VERSION, session.number, self._http.port, CAPABILITIES]
        if "echo" in str(message.values[6]).split():
            # So a device knows that the welcome is its own, and not another's that listens on the same port.
            values += [session.instance, self._bulk_folder if is_loopback(source[0]) else ""]
        self._endpoint.send(encode("/cratehand/welcome", *values), session.reply_to)

    def _begin(self, values: list[Value], source: Place, place: Place) -> Session:
        # The version is looked at first: a device of another version may say other things after it.
        protocol = values[0] if values else None
        if not isinstance(protocol, int | float):
            raise InvalidInputError(f"the protocol version is missing; it is {INWARD['/cratehand/hello']}")
        if protocol != PROTOCOL_VERSION:
            side = "cratehand" if protocol > PROTOCOL_VERSION else "the Live device"
            raise UnsupportedError(
                f"the device speaks version {protocol:g}, cratehand version {PROTOCOL_VERSION}: update {side}"
            )
        arguments = read_arguments(INWARD["/cratehand/hello"], values)
        if place[1] != arguments["reply_port"] or place == (source[0], self._port):
            raise InvalidInputError("reply_port has to be the port the device listens on, 1..65535")
        instance = str(arguments["instance"])
        if not 0 < len(instance) <= _LONGEST_INSTANCE:
            raise InvalidInputError(f"instance has to have 1 to {_LONGEST_INSTANCE} characters")
        if not is_loopback(source[0]) and not self._token_shown(str(arguments["capabilities"])):
            raise UnauthorizedError("a device on another computer has to show the token in its capabilities")
        session = self._sessions.begin(instance=instance, source=source, reply_to=place)
        logger.info(
            "device %s connected: version %s, Max %s, Live %s",
            *(str(arguments[name])[:40] for name in ("instance", "device_version", "max_version", "live_version")),
        )
        return session

    def _token_shown(self, capabilities: str) -> bool:
        shown = [word.removeprefix("token=") for word in capabilities.split() if word.startswith("token=")]
        return bool(self._token) and any(
            hmac.compare_digest(word.encode(), (self._token or "").encode()) for word in shown
        )

    def _request(self, message: Message, source: Place) -> None:
        pair = _pair(message.values)
        if pair is None:
            self._endpoint.complain(source, 0, f"{message.path[:64]} does not begin with session and request")
            return
        number, request = pair
        session = self._sessions.hear(number, source[0])
        if session is None:
            self._refuse_unknown(number, request, self._sessions.reply_place(number, source))
            return
        answer, is_new = session.answer(request)
        if not is_new:
            for datagram in answer.datagrams:
                self._endpoint.send(datagram, session.reply_to)
            return
        call = Call(path=message.path, session=session, request=request, arguments={}, answer=answer)
        try:
            self._start(call, INWARD.get(message.path), message.values)
        except RateLimitedError as error:
            self._fail(call, error)
            session.forget(request)
        except CratehandError as error:
            self._fail(call, error)

    def _start(self, call: Call, address: Address | None, values: list[Value]) -> None:
        if address is None:
            raise UnsupportedError("no such address: `cratehand doctor --osc` lists them")
        arguments = read_arguments(address, values)
        if address.path == "/cratehand/clip":
            keep_clip(call.session, arguments, rest_of(address, values))
            self._say(call, encode("/cratehand/ack", call.session.number, call.request))
            return
        if address.path == "/cratehand/bye":
            self._say(call, encode("/cratehand/ack", call.session.number, call.request))
            self._sessions.end(call.session)
            return
        if len(self._work) >= _AT_ONCE:
            raise RateLimitedError("too many requests at once: send them more slowly", retry_after_s=1.0)
        call = Call(path=call.path, session=call.session, request=call.request, arguments=arguments, answer=call.answer)
        task = asyncio.create_task(self._serve(call), name=f"osc: {call.path}")
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def _serve(self, call: Call) -> None:
        ack = encode("/cratehand/ack", call.session.number, call.request)
        work = asyncio.create_task(self._find(call), name=f"osc: work on {call.path}")
        try:
            async with asyncio.timeout(_LONGEST_STEMS_S if call.path == "/cratehand/stems" else _LONGEST_S):
                done, _ = await asyncio.wait({work}, timeout=_ACK_AFTER_S)
                if not done:
                    self._say(call, ack)
                found = await work
        except Exception as error:
            # The edge: whatever went wrong is told the device, and logged where it is our bug.
            self._fail(call, as_told(error, doing=call.path))
        else:
            if done:
                self._say(call, ack)
            if found is not None:
                self._say(call, found)
        finally:
            work.cancel()

    async def _find(self, call: Call) -> bytes | None:
        """Carry a request out; return the notice of its result, which waits to be fetched then."""
        found = await self._requests.carry_out(call.path, call.session, call.request, call.arguments)
        if found is None:
            return None
        number = call.session.number
        body = await self._use_cases.lanes.quick(found.body, session=number, request=call.request)
        token = self._http.offer(body, token=call.session.next_token(new_token()))
        return encode("/cratehand/result", number, call.request, token, found.count)

    def _say(self, call: Call, datagram: bytes) -> None:
        call.answer.datagrams.append(datagram)
        self._endpoint.send(datagram, call.session.reply_to)

    def _fail(self, call: Call, error: CratehandError) -> None:
        text = call.session.error_text(error.code, str(error))
        self._say(call, encode("/cratehand/err", call.session.number, call.request, error.code, text))

    def _refuse_unknown(self, number: int, request: int, place: Place) -> None:
        self._endpoint.send(encode("/cratehand/err", number, request, UNKNOWN_SESSION, "say hello again"), place)


def _pair(values: list[Value]) -> tuple[int, int] | None:
    """Return session and request, the first two arguments; None where they are no integers."""
    found = [int(value) for value in values[:2] if isinstance(value, int | float) and float(value).is_integer()]
    if len(found) < 2 or not all(-(2**31) <= value < 2**31 for value in found):
        return None
    return found[0], found[1]


def _reply_place(values: list[Value], source: Place) -> Place:
    """Return where the answer to a hello goes: to the reply port it names, else back to its source."""
    port = values[3] if len(values) > 3 else None
    if isinstance(port, int | float) and float(port).is_integer() and 0 < port < 65_536:
        return source[0], int(port)
    return source
