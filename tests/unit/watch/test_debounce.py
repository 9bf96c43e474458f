from pathlib import Path

from cratehand.watch.debounce import Debounce
from tests.unit.watch.disk import HandClock


def make(settle_s: float = 2.0) -> tuple[Debounce, HandClock]:
    clock = HandClock(wall_s=0.0)
    return Debounce(settle_s=settle_s, monotonic_s=clock.monotonic_s), clock


def test_a_path_comes_out_once_it_is_calm() -> None:
    debounce, clock = make()
    debounce.note("/m/a.mp3")
    clock.pass_s(1.5)
    debounce.note("/m/a.mp3")
    clock.pass_s(1.5)
    assert debounce.take() == frozenset()
    assert debounce.wait_s() == 0.5
    clock.pass_s(0.5)
    assert debounce.take() == {Path("/m/a.mp3")}
    assert debounce.take() == frozenset()
    assert debounce.wait_s() is None


def test_a_busy_path_holds_up_calm_ones_for_half_the_settling_only() -> None:
    debounce, clock = make()
    debounce.note("/m/calm.mp3")
    for _ in range(6):
        debounce.note("/m/busy.wav")
        clock.pass_s(0.5)
    assert debounce.take() == {Path("/m/calm.mp3")}


def test_thousands_of_paths_come_out_in_few_batches() -> None:
    debounce, clock = make()
    sizes = []
    for number in range(3000):
        debounce.note(f"/m/{number}.mp3")
        clock.pass_s(0.003)
        sizes.append(len(debounce.take()))
    clock.pass_s(5.0)
    sizes.append(len(debounce.take()))
    assert sum(sizes) == 3000
    assert len([size for size in sizes if size]) <= 9


def test_both_ends_of_a_move_come_out_together() -> None:
    debounce, clock = make()
    debounce.note_moved("/m/a.mp3", "/m/b.mp3", is_folder=False)
    clock.pass_s(1.0)
    debounce.note("/m/b.mp3")
    clock.pass_s(1.5)
    assert debounce.take() == frozenset()
    clock.pass_s(1.0)
    assert debounce.take() == {Path("/m/a.mp3"), Path("/m/b.mp3")}


def test_a_folder_stands_for_what_is_below_it() -> None:
    debounce, clock = make()
    debounce.note("/m/x/a.mp3")
    debounce.note("/m/x", is_folder=True)
    debounce.note("/m/xy.mp3")
    clock.pass_s(3.0)
    assert debounce.take() == {Path("/m/x"), Path("/m/xy.mp3")}


def test_a_written_file_waits_for_its_writer() -> None:
    debounce, clock = make()
    debounce.note("/m/a.wav")
    debounce.note_written("/m/a.wav", patience_s=60.0)
    clock.pass_s(30.0)
    assert debounce.take() == frozenset()
    assert debounce.wait_s() == 30.0
    assert debounce.note_closed("/m/a.wav"), "the reader sleeps for half a minute more unless it is woken"
    clock.pass_s(2.0)
    assert debounce.take() == {Path("/m/a.wav")}


def test_a_writer_that_never_closes_is_not_waited_for_forever() -> None:
    debounce, clock = make()
    debounce.note_written("/m/a.wav", patience_s=60.0)
    clock.pass_s(60.0)
    assert debounce.take() == {Path("/m/a.wav")}


def test_only_news_that_is_due_sooner_wakes_the_reader() -> None:
    debounce, clock = make()
    assert debounce.note("/m/a.mp3")
    clock.pass_s(0.1)
    assert not debounce.note("/m/b.mp3")
    debounce.wait_s()
    assert not debounce.note("/m/c.mp3")
