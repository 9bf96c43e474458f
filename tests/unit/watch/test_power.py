from dataclasses import dataclass

import pytest

from cratehand.watch import PsutilPower


@dataclass
class Battery:
    power_plugged: bool | None


@pytest.mark.parametrize(("plugged", "on_battery"), [(True, False), (False, True), (None, False)])
def test_only_an_unplugged_battery_counts(plugged: bool | None, on_battery: bool) -> None:
    assert PsutilPower(lambda: Battery(plugged)).on_battery() is on_battery


def test_no_battery_is_not_on_battery() -> None:
    assert not PsutilPower(lambda: None).on_battery()


def test_a_driver_that_fails_is_not_on_battery() -> None:
    def fail() -> Battery:
        raise OSError("no such device")

    assert not PsutilPower(fail).on_battery()


def test_this_computer_answers() -> None:
    assert PsutilPower().on_battery() in {True, False}
