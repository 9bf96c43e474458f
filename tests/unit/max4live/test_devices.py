import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cratehand_models.drum_templates import DrumTemplates
from max4live.builder.check import faults, script_faults
from max4live.builder.container import DamagedContainerError, DeviceFile, DeviceKind, freeze, thaw
from max4live.builder.patcher import build, patcher_of
from max4live.builder.sources import DEVICES, ROOT, read_device, read_script

KINDS = {"audio": DeviceKind.AUDIO_EFFECT, "midi": DeviceKind.MIDI_EFFECT, "instrument": DeviceKind.INSTRUMENT}


def parsed(name: str) -> tuple[DeviceKind, dict, list[DeviceFile]]:
    kind, files = thaw(build(name)[1])
    return kind, json.loads(files[0].data.rstrip(b"\0"))["patcher"], files


@pytest.mark.parametrize("name", DEVICES)
def test_a_built_device_holds_its_sources_and_nothing_else(name: str) -> None:
    kind, patcher, files = parsed(name)
    assert kind is KINDS[name]
    assert {"patcher": patcher} == patcher_of(read_device(name))
    assert patcher["project"]["amxdtype"] == int.from_bytes(kind.value, "big")
    assert [file.name for file in files[1:]] == ["cratehand.js"]
    assert files[1].data.decode() == read_script()


@pytest.mark.parametrize("name", DEVICES)
def test_a_built_device_keeps_every_rule_of_max(name: str) -> None:
    _, patcher, files = parsed(name)
    assert faults(patcher, files) == []


def test_two_builds_in_two_processes_give_the_same_bytes(tmp_path: Path) -> None:
    sums = []
    for run in ("one", "two"):
        subprocess.run(
            [sys.executable, "-m", "max4live.builder", str(tmp_path / run)],
            check=True,
            capture_output=True,
            cwd=ROOT.parent,
        )
        sums.append([hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted((tmp_path / run).iterdir())])
    assert sums[0] == sums[1]
    assert len(sums[0]) == 3


def test_the_bytes_of_a_container_are_those_of_the_format() -> None:
    device = freeze(
        DeviceKind.MIDI_EFFECT,
        [DeviceFile(name="a.amxd", type=b"JSON", data=b"{}\n\0"), DeviceFile(name="abc", type=b"TEXT", data=b"1")],
    )
    assert device[:12] == b"ampf\x04\0\0\0mmmm"
    assert device[12:24] == b"meta\x04\0\0\0\x07\0\0\0"
    body = device[32:]
    assert int.from_bytes(device[28:32], "little") == len(body)
    assert body[:16] == b"mx@c" + bytes([0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 21])
    assert body[16:21] == b"{}\n\x001"
    assert body[21:25] == b"dlst"
    # A name of three letters needs one zero to end it, one of six two to fill four.
    assert b"fnam\0\0\0\x0cabc\0" in body
    assert b"fnam\0\0\0\x10a.amxd\0\0" in body
    assert body.count(b"flag\0\0\0\x0c\0\0\0\x11") == 1


@pytest.mark.parametrize("cut", [0, 3, 11, 30, 40, 200, -1])
def test_a_cut_device_is_refused(cut: int) -> None:
    with pytest.raises(DamagedContainerError):
        thaw(build("midi")[1][:cut])


def bent(change) -> list[str]:
    _, patcher, files = parsed("audio")
    change(patcher)
    return faults(patcher, files)


def test_what_max_would_pass_over_in_silence_is_found() -> None:
    def box(patcher: dict, **more) -> None:
        patcher["boxes"].append(
            {"box": {"id": "x", "maxclass": "newobj", "numinlets": 1, "numoutlets": 1, "text": "deferlow", **more}}
        )

    assert "no object 'node.script'" in bent(lambda patcher: box(patcher, text="node.script x.js"))[0]
    assert "no object 'udpRecieve'" in bent(lambda patcher: box(patcher, text="udpRecieve 1"))[0]
    assert "not as a deferlow" in bent(lambda patcher: box(patcher, maxclass="deferlow"))[0]
    assert "id ready is there twice" in bent(lambda patcher: box(patcher, id="ready"))
    assert "has 1 inlets" in bent(lambda patcher: box(patcher, numinlets=2))[0]
    assert "#0" in bent(lambda patcher: box(patcher, text="deferlow #0"))[0]
    line = {"patchline": {"source": ["ready", 4], "destination": ["nowhere", 0]}}
    assert bent(lambda patcher: patcher["lines"].append(line)) == [
        "a cord ends at nowhere, which is not there",
        "ready has no outlet 4",
    ]
    missing = bent(lambda patcher: patcher["dependency_cache"].append({"name": "more.js"}))
    assert missing == ["more.js is not in the container"]


def test_a_parameter_that_live_would_cut_is_found() -> None:
    def value(patcher: dict, box: str) -> dict:
        found = next(entry["box"] for entry in patcher["boxes"] if entry["box"]["id"] == box)
        return found["saved_attribute_attributes"]["valueof"]

    assert bent(lambda patcher: value(patcher, "daemon_port").update(parameter_type=1)) == [
        "daemon_port: a whole number of Live is 0 to 255, not 1024 to 65535"
    ]
    assert bent(lambda patcher: value(patcher, "tempo_range").update(parameter_initial=[51])) == [
        "tempo_range: begins at 51, outside of 0 to 50"
    ]


@pytest.mark.parametrize("name", DEVICES)
def test_numbers_beyond_a_byte_are_floats_that_are_shown_whole(name: str) -> None:
    values = {
        box["id"]: box["saved_attribute_attributes"]["valueof"]
        for box in (entry["box"] for entry in parsed(name)[1]["boxes"])
        if box.get("parameter_enable")
    }
    port = values["daemon_port"]
    assert (port["parameter_type"], port["parameter_unitstyle"], port["parameter_mmax"]) == (0, 0, 65535.0)


@pytest.mark.parametrize(
    "modern",
    [
        "let a = 1;", "const a = 1;", "var f = (a) => a;", "var t = `a`;", "class A {}", "for (var a of [1]) {}",
        "var [a] = [1];", "function f(a = 1) {}", "f(...[1]);", "var o = {f() {}};", "var a = 1; var o = {a};",
        "function* f() {}", "var a = 2 ** 3;", "outlet.apply(this, [0, 1]);", "var a = '\u00e4';", "var a = ;",
    ],
)  # fmt: skip
def test_a_script_that_is_not_es5_is_refused(modern: str) -> None:
    assert script_faults(modern)


def test_the_styles_of_the_menu_are_those_that_cratehand_writes() -> None:
    menu = next(box for box in tomllib.loads((ROOT / "patchers/drums.toml").read_text())["box"] if box["id"] == "style")
    assert menu["words"] == list(DrumTemplates().styles())
    assert all(f'"{style}"' in read_script() for style in menu["words"])


@pytest.mark.parametrize("name", DEVICES)
def test_the_controls_lie_inside_the_device_and_do_not_overlap(name: str) -> None:
    source = read_device(name)
    rects = [(box["id"], box["at"]) for box in source.boxes if "at" in box]
    for at, (first, (left, top, width, height)) in enumerate(rects):
        assert 4 <= left <= source.width - 4 - width, first
        assert 4 <= top <= 165 - height, first
        for second, (other_left, other_top, other_width, other_height) in rects[at + 1 :]:
            apart = (
                left + width <= other_left or other_left + other_width <= left
                or top + height <= other_top or other_top + other_height <= top
            )  # fmt: skip
            assert apart, (first, second)


def test_what_a_performer_maps_is_a_parameter_that_the_set_stores() -> None:
    stored = {
        box["varname"]
        for name in DEVICES
        for entry in parsed(name)[1]["boxes"]
        if (box := entry["box"]).get("parameter_enable")
        and box["saved_attribute_attributes"]["valueof"].get("parameter_invisible") != 2
    }
    assert {
        "style",
        "bars",
        "density",
        "swing",
        "seed",
        "tempo_range",
        "key_rule",
        "energy_from",
        "warp",
        "moments",
    } <= stored
