from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.hybrid_clock import HybridTime, next_time, statement_time_s
from cratehand.domain.settling import Claim, settle_fields, settle_lists

TIMES = st.builds(HybridTime, wall_ms=st.integers(0, 1 << 46), counter=st.integers(0, (1 << 16) - 1))
WALLS = st.floats(0.0, 4e9)
ITEMS = st.lists(st.sampled_from("abcde"), max_size=6)


@given(TIMES, TIMES)
def test_packed_times_are_in_the_same_order(one: HybridTime, other: HybridTime) -> None:
    assert (one < other) == (one.packed < other.packed)
    assert HybridTime.unpack(one.packed) == one
    assert one.packed < 1 << 63


@given(TIMES, WALLS)
def test_what_happens_after_something_is_later_whatever_the_clock_says(latest: HybridTime, wall_s: float) -> None:
    assert next_time(latest, wall_s=wall_s) > latest


@given(WALLS, st.lists(WALLS, max_size=20))
def test_a_time_is_never_further_ahead_than_the_latest_clock_heard_of(wall_s: float, others: list[float]) -> None:
    at = HybridTime(wall_ms=0)
    for other_s in others:
        at = next_time(at, wall_s=other_s)
    ahead_ms = next_time(at, wall_s=wall_s).wall_ms - max(int(each * 1000) for each in (wall_s, *others))
    assert ahead_ms <= 1


def test_more_things_in_a_millisecond_than_the_counter_holds_go_on_into_the_next() -> None:
    full = HybridTime(wall_ms=5, counter=(1 << 16) - 1)
    assert next_time(full, wall_s=0.005) == HybridTime(wall_ms=6, counter=0)


def test_a_statement_keeps_its_time_unless_it_corrects_a_later_one() -> None:
    assert statement_time_s(10.0, latest_s=None) == 10.0
    assert statement_time_s(10.0, latest_s=9.0) == 10.0
    assert statement_time_s(10.0, latest_s=99.0) > 99.0


def test_a_person_beats_a_machine_then_the_newer_the_older() -> None:
    person = Claim(stamp=1, device="a")
    machine = Claim(stamp=9, device="b", by_person=False)
    assert person.beats(machine)
    assert not machine.beats(person)
    assert Claim(stamp=2, device="a").beats(Claim(stamp=1, device="b"))


@given(st.integers(0, 3), st.integers(0, 3), st.booleans(), st.booleans())
def test_of_two_claims_exactly_one_wins(one: int, other: int, by: bool, by_other: bool) -> None:
    mine, theirs = Claim(stamp=one, device="a", by_person=by), Claim(stamp=other, device="b", by_person=by_other)
    assert mine.beats(theirs) != theirs.beats(mine)


def test_fields_are_settled_one_by_one() -> None:
    settled = settle_fields(("n", 1, "x"), ("mine", 1, "y"), ("n", 2, "z"), mine_wins=False)
    assert settled.value == ("mine", 2, "z")
    assert settled.lost == (2,)


@given(st.none() | ITEMS, ITEMS, ITEMS)
def test_both_sides_settle_a_list_alike(base: list[str] | None, one: list[str], other: list[str]) -> None:
    assert settle_lists(base, one, other, mine_wins=True) == settle_lists(base, other, one, mine_wins=False)


@given(ITEMS, ITEMS)
def test_a_list_that_only_one_side_changed_is_that_sides(base: list[str], changed: list[str]) -> None:
    for mine_wins in (True, False):
        assert sorted(settle_lists(base, changed, base, mine_wins=mine_wins)) == sorted(changed)
    assert settle_lists(base, changed, base, mine_wins=True) == changed


def test_additions_of_both_stay_and_so_do_removals() -> None:
    assert settle_lists("abc", "abxc", "ac", mine_wins=True) == list("axc")
    assert settle_lists("abc", "abxc", "ybc", mine_wins=True) == list("ybxc")
    assert settle_lists(None, "ab", "bc", mine_wins=True) == list("abc")
