"""The service Drums."""
# ruff: noqa: N802 - the generated base class names the methods

from typing import Final

from cratehand.domain.drum_pattern import Metre
from cratehand.domain.drum_request import DrumTask, GeneratedDrums, GeneratorKind
from cratehand.domain.errors import InvalidInputError
from cratehand.servers.grpc.errors import Context
from cratehand.servers.grpc.questions import bounded, choice
from cratehand.usecases.drum_generation import DrumGeneration, DrumWish
from cratehand.usecases.use_cases import UseCases
from cratehand_api.v1 import drums_pb2, drums_pb2_grpc

_LARGEST_MIDI_BYTES: Final = 256 * 1024


class DrumsService(drums_pb2_grpc.DrumsServicer):
    """Write drum patterns."""

    def __init__(self, use_cases: UseCases) -> None:
        self._use_cases = use_cases

    async def Generate(
        self, request: drums_pb2.GenerateDrumsRequest, context: Context
    ) -> drums_pb2.GenerateDrumsResponse:
        """Write a pattern."""
        return await self._use_cases.lanes.slow(self._generate, request)

    async def ListStyles(
        self, request: drums_pb2.ListDrumStylesRequest, context: Context
    ) -> drums_pb2.ListDrumStylesResponse:
        """Return all styles."""
        return await self._use_cases.lanes.slow(self._styles)

    def _generate(self, request: drums_pb2.GenerateDrumsRequest) -> drums_pb2.GenerateDrumsResponse:
        generation = self._use_cases.drums
        made = generation.generate(_wish(request, generation))
        return _answer(made, generation.midi(made.pattern))

    def _styles(self) -> drums_pb2.ListDrumStylesResponse:
        return drums_pb2.ListDrumStylesResponse(
            styles=[
                drums_pb2.DrumStyle(name=style.name, tempo_bpm=style.tempo_bpm, generators=list(style.generators))
                for style in self._use_cases.drums.styles()
            ]
        )


def _wish(request: drums_pb2.GenerateDrumsRequest, generation: DrumGeneration) -> DrumWish:
    if len(request.given_midi) > _LARGEST_MIDI_BYTES:
        raise InvalidInputError(
            f"given_midi has {len(request.given_midi)} bytes; at most {_LARGEST_MIDI_BYTES} are read"
        )
    metre = Metre.parse(bounded("metre", request.metre)) if request.metre else None
    given = generation.read(request.given_midi, name="given_midi", metre=metre) if request.given_midi else None
    if request.how and given is None:
        raise InvalidInputError("how says what becomes of a pattern: give one in given_midi")
    kind = choice("generator", request.generator, GeneratorKind, default=GeneratorKind.MODEL)
    return DrumWish(
        style=bounded("style", request.style) or None,
        seed=request.seed if request.HasField("seed") else None,
        tempo_bpm=request.tempo_bpm if request.HasField("tempo_bpm") else None,
        bars=request.bars if request.HasField("bars") else None,
        metre=metre,
        density=request.density if request.HasField("density") else None,
        swing_ratio=request.swing_ratio if request.HasField("swing_ratio") else None,
        given=given,
        task=choice("how", request.how, DrumTask, default=DrumTask.CONTINUE) if given is not None else None,
        generator=kind if request.generator else None,
    )


def _answer(made: GeneratedDrums, midi: bytes) -> drums_pb2.GenerateDrumsResponse:
    pattern = made.pattern
    return drums_pb2.GenerateDrumsResponse(
        midi=midi,
        generator=made.generator,
        model=made.model or "",
        style=made.style or "",
        tempo_bpm=pattern.tempo_bpm,
        metre=str(pattern.metre),
        bars=pattern.bars,
        seed=made.seed,
        remarks=made.remarks,
        hits=[
            drums_pb2.DrumHit(
                voice=hit.voice,
                step=hit.step,
                velocity=hit.velocity,
                offset_steps=hit.offset_steps,
                start_s=start_s,
            )
            for hit, start_s in zip(pattern.hits, pattern.onsets_s(), strict=True)
        ],
    )
