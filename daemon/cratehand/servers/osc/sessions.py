"""Sessions: which device is which, where its answers go, what it was already told."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from cratehand.domain.drum_pattern import DrumPattern
from cratehand.domain.errors import RateLimitedError
from cratehand.domain.ids import JobId, TrackId
from cratehand.domain.ports import Clock
from cratehand.servers.osc.addresses import Value

Place = tuple[str, int]
"""IP address and UDP port."""

SILENCE_S: Final = 60.0
"""A session that is silent for so long is over; devices ping every 5 s, but Live's menus can hold them up."""

_SESSIONS: Final = 64
_ENDED_KEPT: Final = 256
_ANSWERS_KEPT: Final = 512
_FOLLOWED: Final = 64
_TOKENS: Final = 16
_TEXTS: Final = 256
_CLIPS: Final = 4
_PATTERNS: Final = 8
_HIGHEST_NUMBER: Final = 2**24
"""Pd knows integers up to here exactly."""


@dataclass(slots=True, eq=False)
class Answer:
    """What a request was answered; empty while it is worked on."""

    datagrams: list[bytes] = field(default_factory=list)


@dataclass(slots=True, eq=False, kw_only=True)
class Session:
    """One device from hello to silence."""

    number: int
    instance: str
    source: Place
    reply_to: Place
    heard_s: float
    wanted: frozenset[str] = frozenset()
    """Kinds of events it subscribed to."""
    sequence: int = 0
    pending: OrderedDict[str, tuple[str, list[Value]]] = field(default_factory=OrderedDict)
    """Events that wait: by what they are about, so that a newer one takes the place of the older."""
    _answers: OrderedDict[int, Answer] = field(default_factory=OrderedDict)
    _tracks: OrderedDict[TrackId, int] = field(default_factory=OrderedDict)
    _jobs: OrderedDict[JobId, int] = field(default_factory=OrderedDict)
    _tokens: list[str] = field(default_factory=list)
    _next_token: int = 0
    _texts: set[str] = field(default_factory=set)
    patterns: OrderedDict[int, DrumPattern] = field(default_factory=OrderedDict)
    """The latest patterns by the requests that made them."""
    _clips: OrderedDict[int, dict[int, list[int]]] = field(default_factory=OrderedDict)

    def answer(self, request: int) -> tuple[Answer, bool]:
        """Return the answer of a request, and whether the request is new."""
        known = self._answers.get(request)
        if known is not None:
            return known, False
        fresh = self._answers[request] = Answer()
        while len(self._answers) > _ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return fresh, True

    def forget(self, request: int) -> None:
        """Let a request that was turned away be new again."""
        self._answers.pop(request, None)

    def follow_track(self, track_id: TrackId, request: int) -> None:
        """Remember under which request the device knows a track."""
        _remember(self._tracks, track_id, request)

    def follow_job(self, job_id: JobId, request: int) -> None:
        """Remember under which request the device knows a job."""
        _remember(self._jobs, job_id, request)

    def request_of_track(self, track_id: TrackId | None) -> int | None:
        """Return the request that named a track; None where none of late did."""
        return None if track_id is None else self._tracks.get(track_id)

    def request_of_job(self, job_id: JobId) -> int | None:
        """Return the request that began a job; None where none did."""
        return self._jobs.get(job_id)

    def job_of_request(self, request: int) -> JobId | None:
        """Return the latest job that a request began; None where it began none, or too many did since."""
        return next((job_id for job_id, begun_by in reversed(self._jobs.items()) if begun_by == request), None)

    @property
    def followed_jobs(self) -> dict[JobId, int]:
        """Jobs the device began, with their requests."""
        return dict(self._jobs)

    def next_token(self, fresh: str) -> str:
        """Return the token for the next result: `fresh` for the first 16, then those again in turn."""
        if len(self._tokens) < _TOKENS:
            self._tokens.append(fresh)
            return fresh
        token = self._tokens[self._next_token]
        self._next_token = (self._next_token + 1) % _TOKENS
        return token

    def error_text(self, code: str, text: str) -> str:
        """Return what an err says: after 256 different texts only the code in words."""
        if text in self._texts or len(self._texts) < _TEXTS:
            self._texts.add(text)
            return text
        return code.replace("_", " ")

    def keep_clip(self, clip: int, *, part: int, notes: list[int]) -> None:
        """Keep a part of a clip; of the clips the latest four."""
        self._clips.setdefault(clip, {})[part] = notes
        self._clips.move_to_end(clip)
        while len(self._clips) > _CLIPS:
            self._clips.popitem(last=False)

    def keep_pattern(self, request: int, pattern: DrumPattern) -> None:
        """Keep a pattern that may be played; the latest eight."""
        self.patterns[request] = pattern
        while len(self.patterns) > _PATTERNS:
            self.patterns.popitem(last=False)

    def clip(self, number: int) -> list[int]:
        """Return the notes of a clip, all parts in order; nothing where it was never sent."""
        parts = self._clips.get(number, {})
        return [note for part in sorted(parts) for note in parts[part]]

    def next_sequence(self) -> int:
        """Return the number of the next event."""
        self.sequence += 1
        return self.sequence


def _remember(known: OrderedDict[TrackId, int] | OrderedDict[JobId, int], key: str, request: int) -> None:
    book: OrderedDict[str, int] = known  # type: ignore[assignment]  # ids are strings at run time
    book.pop(key, None)
    book[key] = request
    while len(book) > _FOLLOWED:
        book.popitem(last=False)


class Sessions:
    """All sessions, and where ended ones are to be told so."""

    def __init__(self, *, clock: Clock, first_number: int) -> None:
        """Count from `first_number`; a random one keeps sessions of an earlier daemon from being taken for ours."""
        self._clock = clock
        self._number = first_number % _HIGHEST_NUMBER
        self._by_number: dict[int, Session] = {}
        self._ended: OrderedDict[int, Place] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_number)

    def all(self) -> list[Session]:
        """Return the sessions that live."""
        return list(self._by_number.values())

    def begin(self, *, instance: str, source: Place, reply_to: Place) -> Session:
        """Begin a session; the one that the same instance had before ends.

        Raises:
            RateLimitedError: Too many devices.
        """
        self.expire()
        for session in self.all():
            if session.instance == instance and session.reply_to[0] == reply_to[0]:
                self.end(session)
        if len(self._by_number) >= _SESSIONS:
            raise RateLimitedError(f"{_SESSIONS} devices are connected already: close one", retry_after_s=SILENCE_S)
        self._number = self._number % (_HIGHEST_NUMBER - 1) + 1
        session = Session(
            number=self._number,
            instance=instance,
            source=source,
            reply_to=reply_to,
            heard_s=self._clock.monotonic_s(),
        )
        self._by_number[session.number] = session
        return session

    def hear(self, number: int, ip: str) -> Session | None:
        """Return the session of a number if it lives and belongs to that computer, and note the sign of life."""
        self.expire()
        session = self._by_number.get(number)
        if session is None or session.reply_to[0] != ip:
            return None
        session.heard_s = self._clock.monotonic_s()
        return session

    def hear_from(self, source: Place) -> Session | None:
        """Return the latest session that came from a place, and note the sign of life."""
        self.expire()
        for session in reversed(self._by_number.values()):
            if session.source == source:
                session.heard_s = self._clock.monotonic_s()
                return session
        return None

    def reply_place(self, number: int, source: Place) -> Place:
        """Return where to tell that a session is unknown: the reply port it had, else the source of the datagram."""
        place = self._ended.get(number)
        return place if place is not None and place[0] == source[0] else source

    def end(self, session: Session) -> None:
        """End a session."""
        if self._by_number.pop(session.number, None) is not None:
            self._ended[session.number] = session.reply_to
            while len(self._ended) > _ENDED_KEPT:
                self._ended.popitem(last=False)

    def expire(self) -> None:
        """End the sessions that have been silent for too long."""
        oldest_s = self._clock.monotonic_s() - SILENCE_S
        for session in self.all():
            if session.heard_s < oldest_s:
                self.end(session)
