"""Writes wait for the DJ program to close, keep their order, and happen once."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from cratehand.domain.collection_write import CollectionWrite, WriteState
from cratehand.domain.errors import ConflictError, UnavailableError
from cratehand.usecases.collection_writes import CollectionWrites
from cratehand.usecases.lanes import Lanes
from tests.fakes.clock import HandWoundClock
from tests.fakes.collection_editor import FakeEditor, KeptWrites


@pytest.fixture
def editor() -> FakeEditor:
    return FakeEditor()


@pytest.fixture
def kept() -> KeptWrites:
    return KeptWrites()


def queue_of(kept: KeptWrites, editor: FakeEditor, ended: list[CollectionWrite] | None = None) -> CollectionWrites:
    told = (ended if ended is not None else []).append
    return CollectionWrites(kept, editor, clock=HandWoundClock(now_s=50.0), ended=told, look_every_s=0.01)


def writes(*names: str) -> list[CollectionWrite]:
    return [CollectionWrite(id=name, asked_at_s=float(number)) for number, name in enumerate(names)]


def test_a_write_waits_while_the_program_runs_and_is_done_when_it_has_closed(
    kept: KeptWrites, editor: FakeEditor
) -> None:
    ended: list[CollectionWrite] = []
    queue = queue_of(kept, editor, ended)
    editor.running = True
    (write,) = writes("a")
    queue.ask(write)
    assert queue.attempt()
    assert kept.all["a"] == replace(write, problem="rekordbox is running", tried_at_s=50.0)
    assert not ended
    editor.running = False
    assert not queue.attempt()
    assert kept.all["a"].state is WriteState.WRITTEN
    assert (kept.all["a"].record, kept.all["a"].problem) == (editor.written["a"], "")
    assert ended == [kept.all["a"]]


def test_waiting_for_one_reason_is_noted_once(kept: KeptWrites, editor: FakeEditor) -> None:
    editor.running = True
    queue = queue_of(kept, editor)
    queue.ask(writes("a")[0])
    for _ in range(5):
        queue.attempt()
    assert kept.saves == 2


def test_writes_keep_their_order_and_wait_for_each_other(kept: KeptWrites, editor: FakeEditor) -> None:
    queue = queue_of(kept, editor)
    first, second = writes("a", "b")
    queue.ask(second)
    queue.ask(first)
    editor.refuses["a"] = UnavailableError("locked")
    assert queue.attempt()
    assert not editor.written
    editor.refuses.clear()
    queue.attempt()
    assert list(editor.written) == ["a", "b"]


def test_a_refused_write_is_not_tried_again_and_holds_up_none(kept: KeptWrites, editor: FakeEditor) -> None:
    ended: list[CollectionWrite] = []
    queue = queue_of(kept, editor, ended)
    for write in writes("a", "b"):
        queue.ask(write)
    editor.refuses["a"] = ConflictError("the cue is elsewhere")
    assert not queue.attempt()
    assert [(write.id, write.state) for write in ended] == [("a", WriteState.REFUSED), ("b", WriteState.WRITTEN)]
    assert kept.all["a"].problem == "the cue is elsewhere"
    editor.refuses.clear()
    queue.attempt()
    assert "a" not in editor.written


def test_an_undo_goes_the_same_way(kept: KeptWrites, editor: FakeEditor) -> None:
    queue = queue_of(kept, editor)
    queue.ask(writes("a")[0])
    queue.attempt()
    queue.ask(CollectionWrite(id="b", asked_at_s=9.0, undoes=kept.all["a"].record))
    queue.attempt()
    assert list(editor.written) == ["a", "b"]


def test_a_crash_after_the_write_does_not_write_twice(kept: KeptWrites, editor: FakeEditor) -> None:
    (write,) = writes("a")
    queue_of(kept, editor).ask(write)
    record = editor.apply((), change_id="a")
    queue_of(kept, editor).attempt()
    assert kept.all["a"].record is record


async def test_the_queue_looks_by_itself_until_the_program_has_closed(kept: KeptWrites, editor: FakeEditor) -> None:
    editor.running = True
    queue = queue_of(kept, editor)
    async with Lanes() as lanes:
        working = asyncio.create_task(queue.run(lanes))
        queue.ask(writes("a")[0])
        queue.wake()
        await asyncio.sleep(0.05)
        assert not editor.written
        editor.running = False
        async with asyncio.timeout(10):
            while "a" not in editor.written:
                await asyncio.sleep(0.01)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
