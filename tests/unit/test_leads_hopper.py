"""The hopper's order when leads are looked at and chosen from."""

from __future__ import annotations

from engine_kit import lead

from dialer.leads.hopper import LEASE_MARGIN_S, Hopper

NOW = 100.0


def hopper(*leases: float) -> Hopper:
    made = Hopper(1000)
    made.add(lead(n, lease_until=until) for n, until in enumerate(leases, 1))
    return made


def ids(leads: list) -> list[int]:  # type: ignore[type-arg]
    return [each.lead_id for each in leads]


def test_peeking_changes_nothing() -> None:
    h = hopper(*[1e9] * 5)
    version = h.version
    assert ids(h.peek(3, NOW)[0]) == [1, 2, 3]
    assert ids(h.peek(9, NOW)[0]) == [1, 2, 3, 4, 5]
    assert (len(h), h.version) == (5, version)


def test_chosen_leads_come_out_in_the_order_of_the_choice_and_the_rest_stays() -> None:
    h = hopper(*[1e9] * 5)
    version = h.version
    assert ids(h.take_at((3, 0))) == [4, 1]
    assert ids(h.peek(9, NOW)[0]) == [2, 3, 5]
    assert h.version > version
    h.add([lead(4)])
    assert ids(h.peek(9, NOW)[0]) == [2, 3, 5, 4]


def test_places_that_are_not_there_or_named_twice_give_nothing() -> None:
    h = hopper(1e9, 1e9)
    assert ids(h.take_at((1, 1, 7, -1))) == [2]
    assert len(h) == 1


def test_a_stale_lead_in_sight_takes_every_other_stale_one_with_it() -> None:
    fresh, stale = NOW + 1000, NOW + LEASE_MARGIN_S
    h = hopper(fresh, stale, *[stale] * 5000, fresh)
    found, gone = h.peek(2, NOW)
    assert ids(found) == [1, 5003]
    assert len(gone) == 5001 and len(h) == 2
    h.add([lead(2)])
    assert len(h) == 3


def test_a_stale_lead_out_of_sight_is_left_until_it_is_seen() -> None:
    h = hopper(NOW + 1000, NOW)
    assert h.peek(1, NOW)[1] == [] and len(h) == 2
