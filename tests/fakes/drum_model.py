"""A drum model with known answers."""

from collections.abc import Mapping

from cratehand.domain.drum_pattern import DrumHit, DrumPattern, DrumVoice
from cratehand.domain.drum_request import DrumRequest
from cratehand.domain.errors import UnavailableError, UnsupportedError


class FakeDrumModel:
    """Implements the port `DrumGenerator`: knows rock and jazz in 4/4, and plays one kick a bar, as loud as the seed."""

    def __init__(self, *, missing: str | None = None) -> None:
        self._missing = missing
        self.asked: list[DrumRequest] = []

    @property
    def name(self) -> str:
        return "fake-1"

    def styles(self) -> Mapping[str, float]:
        if self._missing is not None:
            raise UnavailableError(self._missing)
        return {"rock": 111.0, "jazz": 142.0}

    def generate(self, request: DrumRequest) -> DrumPattern:
        self.asked.append(request)
        if str(request.metre) != "4/4":
            raise UnsupportedError(f"the fake knows 4/4, not {request.metre}")
        velocity = request.seed % 127 + 1
        hits = [DrumHit(step=bar * 16, voice=DrumVoice.KICK, velocity=velocity) for bar in range(request.bars)]
        return request.silence().with_hits(hits)
