import threading
from collections.abc import Iterator

import pytest

from cratehand.usecases.looking_ahead import looking_ahead


def test_results_come_in_order_while_two_are_worked_on() -> None:
    meeting = threading.Barrier(2, timeout=20)

    def work(number: int) -> int:
        meeting.wait()
        return number * number

    assert list(looking_ahead(work, range(6))) == [0, 1, 4, 9, 16, 25]


def test_things_are_asked_for_no_further_ahead_than_they_are_worked_on() -> None:
    asked: list[int] = []

    def things() -> Iterator[int]:
        for number in range(9):
            asked.append(number)
            yield number

    results = looking_ahead(str, things())
    assert next(results) == "0"
    assert asked == [0, 1]
    assert next(results) == "1"
    assert asked == [0, 1, 2]
    results.close()  # type: ignore[attr-defined]


def test_an_error_arrives_where_its_result_would_have_and_ends_it() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        return 1 // (3 - number)

    results = looking_ahead(work, range(100), at_once=1)
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert begun == [0, 1, 2, 3]


def test_nothing_gives_nothing() -> None:
    assert list(looking_ahead(str, [])) == []
