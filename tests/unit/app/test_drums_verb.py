from collections.abc import Callable
from pathlib import Path

import mido
import pytest

from tests.unit.app.conftest import Said

Cratehand = Callable[..., Said]
ROCK = ("drums", "--style", "rock", "--tempo", "120", "--bars", "4", "--seed", "7")


def test_a_pattern_is_written_and_described(cratehand: Cratehand, tmp_path: Path) -> None:
    out = tmp_path / "a b.mid"
    said = cratehand(*ROCK, "--out", str(out), "--json")
    assert said.code == 0
    assert {"generator": "model", "seed": 7, "style": "rock", "bars": 4}.items() <= said.json.items()
    track = mido.MidiFile(out).tracks[0]
    notes = [message for message in track if message.type == "note_on"]
    assert said.json["notes"] == len(notes) > 20
    assert {message.channel for message in notes} == {9}
    assert sum(message.time for message in track) == 4 * 4 * 480


def test_the_same_seed_gives_the_same_file_and_no_seed_tells_the_one_drawn(
    cratehand: Cratehand, tmp_path: Path
) -> None:
    paths = [str(tmp_path / f"{number}.mid") for number in range(3)]
    cratehand(*ROCK, "--out", paths[0])
    cratehand(*ROCK, "--out", paths[1])
    assert Path(paths[0]).read_bytes() == Path(paths[1]).read_bytes()
    drawn = cratehand("drums", "--style", "rock", "--out", paths[2], "--json").json["seed"]
    again = cratehand("drums", "--style", "rock", "--seed", str(drawn), "--out", paths[1], "--json")
    assert again.json["seed"] == drawn
    assert Path(paths[1]).read_bytes() == Path(paths[2]).read_bytes()


def test_a_dry_run_writes_nothing(cratehand: Cratehand, tmp_path: Path) -> None:
    said = cratehand(*ROCK, "--out", str(tmp_path / "a.mid"), "--dry-run", "--json")
    assert (said.code, said.json["dry_run"]) == (0, True)
    assert not (tmp_path / "a.mid").exists()


def test_a_template_style_says_that_it_is_one(cratehand: Cratehand, tmp_path: Path) -> None:
    said = cratehand("drums", "--style", "Techno", "--out", str(tmp_path / "t.mid"), "--json")
    assert (said.json["generator"], said.json["model"]) == ("template", None)
    assert "template" in said.err


@pytest.mark.parametrize("how", ["continue", "fill", "humanise", "vary", "tap"])
def test_a_pattern_is_taken_further(cratehand: Cratehand, tmp_path: Path, how: str) -> None:
    source = tmp_path / "source.mid"
    cratehand("drums", "--style", "house", "--bars", "2", "--seed", "1", "--out", str(source))
    before = source.read_bytes()
    out = tmp_path / "out.mid"
    said = cratehand("drums", "--from", str(source), "--how", how, "--seed", "2", "--out", str(out), "--json")
    assert said.code == 0, said.err
    assert said.json["tempo_bpm"] == pytest.approx(124, abs=0.01)
    assert out.read_bytes() != before == source.read_bytes()


def test_the_styles_are_listed(cratehand: Cratehand) -> None:
    found = {row["style"]: row["generators"] for row in cratehand("drums", "--styles", "--json").json}
    assert found["rock"] == ["model", "template"]
    assert found["dnb"] == ["template"]
    assert "afrocuban" in cratehand("drums", "--styles").out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--style", "tekno"), "techno"),
        (("--style", "rock", "--tempo", "500"), "300"),
        (("--style", "rock", "--tempo", "nan"), "tempo"),
        (("--style", "rock", "--bars", "0"), "bars"),
        (("--style", "rock", "--bars", "65"), "64"),
        (("--style", "rock", "--seed", "-1"), "seed"),
        (("--style", "rock", "--density", "2"), "density"),
        (("--style", "rock", "--swing", "80"), "swing"),
        (("--style", "rock", "--metre", "4"), "metre"),
        (("--style", "rock", "--how", "fill"), "--from"),
        ((), "style"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_can_not_be_meant_is_wrong_usage(
    cratehand: Cratehand, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    said = cratehand("drums", *words, "--out", str(tmp_path / "a.mid"))
    assert said.code == 2
    assert told in said.err
    assert not (tmp_path / "a.mid").exists()


def test_without_a_file_to_write_nothing_is_made(cratehand: Cratehand) -> None:
    said = cratehand("drums", "--style", "rock")
    assert (said.code, said.out) == (2, "")
    assert "--out" in said.err


def test_a_target_that_can_not_be_written_is_named(cratehand: Cratehand, tmp_path: Path) -> None:
    music = tmp_path / "song.flac"
    music.write_bytes(b"fLaC and so on")
    for target, told in (
        (tmp_path / "none" / "a.mid", "does not exist"),
        (tmp_path, "folder"),
        (music, "no MIDI file"),
    ):
        said = cratehand(*ROCK, "--out", str(target))
        assert said.code == 1
        assert told in said.err
    assert music.read_bytes() == b"fLaC and so on"


def test_a_source_that_can_not_be_read_is_named(cratehand: Cratehand, tmp_path: Path) -> None:
    (tmp_path / "odd.mid").write_bytes(b"no midi")
    (tmp_path / "large.mid").write_bytes(bytes(1024 * 1024 + 1))
    told = {"odd.mid": "no MIDI file", "large.mid": "larger", "none.mid": "does not exist"}
    for name, words in told.items():
        said = cratehand("drums", "--from", str(tmp_path / name), "--out", str(tmp_path / "out.mid"))
        assert said.code == 1
        assert words in said.err


def test_the_source_is_never_its_own_target(cratehand: Cratehand, tmp_path: Path) -> None:
    out = str(tmp_path / "a.mid")
    cratehand(*ROCK, "--out", out)
    before = Path(out).read_bytes()
    said = cratehand("drums", "--from", out, "--how", "vary", "--out", out)
    assert said.code == 1
    assert Path(out).read_bytes() == before


def test_an_older_midi_file_is_replaced_and_that_is_said(cratehand: Cratehand, tmp_path: Path) -> None:
    out = str(tmp_path / "a.mid")
    assert "Wrote" in cratehand(*ROCK, "--out", out).err
    assert "Would replace" in cratehand(*ROCK, "--out", out, "--dry-run").err
    assert "Replaced" in cratehand(*ROCK, "--out", out).err
