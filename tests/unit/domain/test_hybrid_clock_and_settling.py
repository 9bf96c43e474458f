from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.hybrid_clock import statement_time_s
from cratehand.domain.settling import Claim, settle_fields, settle_lists

ITEMS = st.lists(st.sampled_from("abcde"), max_size=6)


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
