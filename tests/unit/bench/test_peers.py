import json
import sys
import threading
from pathlib import Path

from tests.bench.truth import peers
from tests.bench.truth.processes import map_each
from tests.bench.truth.truth import Item, Truth

RUNNER = """
import os
from json_lines import serve

def analyse(path):
    print("a library that chats")
    if path == "deadly":
        os._exit(3)
    if path == "bad":
        raise ValueError("no music")
    return {"tempo_bpm": 120.0}

serve(analyse)
"""


def answers(tmp_path: Path, paths: list[str]) -> list[dict[str, object]]:
    script, kept = tmp_path / "runner.py", tmp_path / "kept.jsonl"
    script.write_text(RUNNER, encoding="utf-8")
    peers._run(Path(sys.executable), script, paths, kept, threading.Lock())
    return [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]


def test_a_peer_that_dies_at_a_file_is_started_again_for_the_rest(tmp_path: Path) -> None:
    first, deadly, last = answers(tmp_path, ["one", "deadly", "two"])
    assert (first["tempo_bpm"], last["tempo_bpm"]) == (120.0, 120.0)
    assert deadly["path"] == "deadly"
    assert deadly["errors"]


def test_an_error_of_a_peer_is_an_answer_and_its_chatter_is_not(tmp_path: Path) -> None:
    bad, good = answers(tmp_path, ["bad", "good"])
    assert bad["errors"] == ["ValueError: no music"]
    assert good["tempo_bpm"] == 120.0
    assert isinstance(good["seconds"], float)


def test_a_slow_peer_is_asked_about_every_nth_file_of_a_set_and_all_shared_ones() -> None:
    items = [
        Item(path=Path(f"{name}-{number}"), truth=Truth(name=f"{name}-{number}", set=name, group="g"))
        for name in ("tempo", "shared", "voice")
        for number in range(7)
    ]
    slow = peers.Peer(requirements=(), script="x.py", sets=("tempo", "shared"), every=3)
    asked = [item.truth.name for item in peers._chosen(items, slow)]
    assert asked == ["tempo-0", "tempo-3", "tempo-6", *(f"shared-{number}" for number in range(7))]


def _fragile(number: int) -> int:
    if number == 1:
        raise ValueError(number)
    return number * number


def test_one_failure_among_many_takes_its_own_place_only() -> None:
    results = map_each(_fragile, [0, 1, 2], workers=1)
    assert results[0] == 0
    assert isinstance(results[1], ValueError)
    assert results[2] == 4
