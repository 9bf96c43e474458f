import grpc
import pytest

from cratehand.servers.grpc.server import GrpcServer
from cratehand_api.v1 import drums_pb2, drums_pb2_grpc
from cratehand_models.drum_midi import parse_midi
from tests.api.clients import SHOWN, channel

Wish = drums_pb2.GenerateDrumsRequest


@pytest.fixture
async def drums(grpc_server: GrpcServer):
    async with channel(grpc_server.address) as opened:
        yield drums_pb2_grpc.DrumsStub(opened)


async def refused(answer) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answer
    return caught.value


async def test_a_pattern_comes_as_midi_and_as_hits(drums) -> None:
    made = await drums.Generate(Wish(style="rock", seed=4, bars=2), metadata=SHOWN)
    assert (made.generator, made.model, made.style, made.seed, made.tempo_bpm) == ("model", "fake-1", "rock", 4, 111.0)
    assert [(hit.voice, hit.step, hit.velocity) for hit in made.hits] == [("kick", 0, 5), ("kick", 16, 5)]
    assert made.hits[1].start_s == pytest.approx(4 * 60 / 111)
    assert len(parse_midi(made.midi, name="it").pattern.hits) == 2


async def test_a_seed_is_drawn_where_none_is_given(drums) -> None:
    assert (await drums.Generate(Wish(style="rock"), metadata=SHOWN)).seed == 77


async def test_a_template_says_why(drums) -> None:
    made = await drums.Generate(Wish(style="techno", seed=0, swing_ratio=0.6, density=0.2), metadata=SHOWN)
    assert (made.generator, made.model) == ("template", "")
    assert "techno" in made.remarks[0]


async def test_a_given_pattern_is_taken_further(drums) -> None:
    first = await drums.Generate(Wish(style="house", seed=1, bars=2), metadata=SHOWN)
    further = Wish(given_midi=first.midi, how="vary", seed=2, generator="template")
    made = await drums.Generate(further, metadata=SHOWN)
    assert (made.bars, made.generator) == (2, "template")
    assert made.midi != first.midi


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (Wish(style="tekno"), "techno"),
        (Wish(), "style"),
        (Wish(style="rock", bars=0), "bars"),
        (Wish(style="rock", tempo_bpm=1e9), "tempo"),
        (Wish(style="rock", seed=-1), "seed"),
        (Wish(style="rock", metre="4"), "metre"),
        (Wish(style="rock", how="fill"), "given_midi"),
        (Wish(given_midi=b"nothing"), "MIDI"),
        (Wish(given_midi=bytes(300_000)), "300000"),
        (Wish(style="rock", generator="oracle"), "oracle"),
        (Wish(style="x" * 2000), "style"),
    ],
    ids=lambda value: "" if not isinstance(value, str) else value,
)
async def test_what_can_not_be_meant_is_an_invalid_argument(drums, wish, told: str) -> None:
    error = await refused(drums.Generate(wish, metadata=SHOWN))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert told in (error.details() or "")


async def test_a_model_that_does_not_know_the_style_is_unimplemented(drums) -> None:
    error = await refused(drums.Generate(Wish(style="techno", generator="model"), metadata=SHOWN))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_the_styles_are_listed(drums) -> None:
    found = await drums.ListStyles(drums_pb2.ListDrumStylesRequest(), metadata=SHOWN)
    assert {style.name: list(style.generators) for style in found.styles}["rock"] == ["model", "template"]


async def test_drums_need_the_token(drums) -> None:
    assert (
        await refused(drums.ListStyles(drums_pb2.ListDrumStylesRequest()))
    ).code() is grpc.StatusCode.UNAUTHENTICATED
