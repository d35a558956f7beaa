from __future__ import annotations

import pytest

from dialer.leads.errors import NumberError
from dialer.leads.numbers import check_test_ranges, line_type, normalise, prefixes, zones_for_lead, zones_of


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("+12125550100", None, "+12125550100"),
        ("(212) 555-0100", "US", "+12125550100"),
        ("1-212-555-0100", "US", "+12125550100"),
        ("0049 30 901820", "DE", "+4930901820"),
        ("138 1234 5678", "CN", "+8613812345678"),
        ("１３８１２３４５６７８", "CN", "+8613812345678"),
        ("\u202d+86 138 1234 5678\u202c", None, "+8613812345678"),
        ("'+12125550100", None, "+12125550100"),
        ("12125550100.0", "US", "+12125550100"),
        ("212–555–0100", "US", "+12125550100"),
        (" +44 20 7946 0000 ", None, "+442079460000"),
    ],
)
def test_what_people_type_becomes_e164(raw: str, region: str | None, expected: str) -> None:
    assert normalise(raw, region) == expected


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("", "US", "empty"),
        ("   ", "US", "empty"),
        ("2125550100", None, "no country code"),
        ("12345", "US", "not a valid number"),
        ("+999123456", None, "country code"),
        ("8.61381E+12", "CN", "spreadsheet"),
        ("212-555-0100 ext. 5", "US", "characters"),
        ("call me", "US", "characters"),
        ("+1212555010\x00", None, "characters"),
        ("1" * 61, "US", "more than any"),
        ("+1 212 555 0100;phone-context=x", None, "characters"),
    ],
)
def test_what_is_no_number_says_why(raw: str, region: str | None, expected: str) -> None:
    with pytest.raises(NumberError, match=expected) as caught:
        normalise(raw, region)
    assert raw.strip() == "" or len(raw.strip()) < 7 or raw.strip() not in str(caught.value)


def test_numbers_of_test_ranges_are_admitted_and_no_others() -> None:
    assert normalise("+999 000 1234", None, ("+999",)) == "+9990001234"
    for raw in ("+9981234567", "999 000 1234", "+999"):
        with pytest.raises(NumberError):
            normalise(raw, None, ("+999",))


@pytest.mark.parametrize("bad", ["999", "+", "+0", "+99a", "+123456789012345"])
def test_test_ranges_are_checked(bad: str) -> None:
    with pytest.raises(NumberError, match="test range"):
        check_test_ranges([bad])
    check_test_ranges(["+999", "+1212555"])


def test_every_zone_of_a_number() -> None:
    assert zones_of("+12125550100") == ("America/New_York",)
    assert zones_of("+8613812345678") == ("Asia/Shanghai",)
    assert "America/Los_Angeles" in zones_of("+18005550100") and "America/New_York" in zones_of("+18005550100")
    assert zones_of("+9990001234") == ()
    assert zones_of("nonsense") == ()


def test_a_leads_own_zone_wins_alone() -> None:
    assert zones_for_lead("+12125550100", "Europe/Berlin") == ("Europe/Berlin",)
    assert zones_for_lead("+12125550100", None) == ("America/New_York",)
    assert zones_for_lead("+12125550100", "") == ("America/New_York",)


def test_prefixes() -> None:
    assert prefixes("+4930") == ("+4", "+49", "+493", "+4930")


@pytest.mark.parametrize(
    ("e164", "expected"),
    [
        ("+4915112345678", "mobile"),
        ("+4930901820", "fixed"),
        ("+12125550100", "mixed"),  # North America's plan does not tell
        ("+445600123456", "voip"),
        ("+18005551212", "other"),
        ("+999123456", ""),
        ("+12", ""),
        ("nonsense", ""),
        ("", ""),
    ],
)
def test_the_type_of_line_is_the_numbering_plans(e164: str, expected: str) -> None:
    assert line_type(e164) == expected
