import json
import subprocess
from pathlib import Path

import mutagen.mp4
import numpy as np
import pytest
import soundfile

from cratehand.audio import ffmpeg
from cratehand.audio.stem_file import StemFilePacker, append_description, description, read_description
from cratehand.domain.errors import UnavailableError
from cratehand.domain.stem import StemKind

RATE = 44_100
KINDS = (StemKind.DRUMS, StemKind.BASS, StemKind.OTHER, StemKind.VOCALS)


def flac(path: Path, *, frames: int, seed: int, rate: int = RATE) -> Path:
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, 2))
    soundfile.write(path, noise, rate, subtype="PCM_24")
    return path


def pack(folder: Path, *, frames: int = 50_001, rate: int = RATE) -> tuple[Path, list[Path]]:
    tracks = [flac(folder / f"{seed}.flac", frames=frames, seed=seed, rate=rate) for seed in range(5)]
    source = flac(folder / "source.flac", frames=frames, seed=9, rate=rate)
    tags = mutagen.File(source)
    tags["title"], tags["artist"] = "Träck", "Somebody"
    tags.save()
    target = folder / "source.stem.mp4"
    StemFilePacker().pack(target, source=source, mix=tracks[0], stems=list(zip(KINDS, tracks[1:], strict=True)))
    return target, tracks


def decoded(path: Path, track: int) -> np.ndarray:
    command = [ffmpeg.executable(), "-v", "error", "-i", str(path), "-map", f"0:a:{track}", "-f", "s32le", "pipe:1"]
    done = subprocess.run(command, check=True, capture_output=True)
    return np.frombuffer(done.stdout, "<i4").reshape(-1, 2)


@pytest.mark.parametrize(("frames", "rate"), [(50_001, 44_100), (4_097, 192_000), (1, 48_000)])
def test_the_mix_and_four_stems_come_back_to_the_bit(tmp_path: Path, frames: int, rate: int) -> None:
    path, tracks = pack(tmp_path, frames=frames, rate=rate)
    for number, track in enumerate(tracks):
        samples, found = soundfile.read(track, dtype="int32")
        assert found == rate
        assert np.array_equal(decoded(path, number), samples)
    assert list(tmp_path.glob(".*")) == []


def test_the_box_says_names_and_colours_and_mastering_is_off(tmp_path: Path) -> None:
    path, _ = pack(tmp_path)
    told = read_description(path)
    assert told == json.loads(json.dumps(description(KINDS)))
    assert [stem["name"] for stem in told["stems"]] == ["Drums", "Bass", "Other", "Vocals"]
    assert told["version"] == 1
    assert not told["mastering_dsp"]["limiter"]["enabled"]
    assert not told["mastering_dsp"]["compressor"]["enabled"]


def test_only_the_mix_is_played_by_who_knows_nothing_of_stems(tmp_path: Path) -> None:
    path, _ = pack(tmp_path)
    data = path.read_bytes()
    flags = [data[at + 4 + 3] & 1 for at in range(len(data)) if data.startswith(b"tkhd", at)]
    assert flags == [1, 0, 0, 0, 0]


def test_tags_of_the_source_come_along(tmp_path: Path) -> None:
    path, _ = pack(tmp_path)
    tags = mutagen.mp4.MP4(path).tags
    assert tags is not None
    assert (tags["\xa9nam"], tags["\xa9ART"]) == (["Träck"], ["Somebody"])
    assert read_description(path) is not None


def test_a_track_that_is_no_sound_leaves_nothing_behind(tmp_path: Path) -> None:
    good = flac(tmp_path / "good.flac", frames=1000, seed=1)
    bad = tmp_path / "bad.flac"
    bad.write_bytes(b"nothing")
    stems = list(zip(KINDS, (good, good, good, bad), strict=True))
    with pytest.raises(UnavailableError, match="can not be written"):
        StemFilePacker().pack(tmp_path / "it.stem.mp4", source=good, mix=good, stems=stems)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.flac", "good.flac"]


def test_a_file_without_the_box_has_no_description_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    plain = tmp_path / "it.mp4"
    plain.write_bytes(b"\0\0\0\x08ftyp")
    assert read_description(plain) is None
    with plain.open("r+b") as file, pytest.raises(AssertionError, match="movie"):
        append_description(file, {})
