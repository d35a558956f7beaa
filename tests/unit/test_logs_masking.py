"""Phone numbers never get through; what operators need to read does."""

from __future__ import annotations

import datetime as dt
import ipaddress
import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dialer.masking import mask_number, mask_text

DIGITS = st.text("0123456789", min_size=7, max_size=15)
FULLWIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def digits_of(text: str) -> str:
    return "".join(str(int(c)) if c.isdecimal() else c for c in text if c.isdigit())


@st.composite
def phone_numbers(draw: st.DrawFn) -> str:
    """A number of 7 to 15 digits as people write it."""
    digits = draw(DIGITS)
    style = draw(st.sampled_from(["plain", "plus", "dashes", "spaces", "us", "dots", "slash", "fullwidth", "tight"]))
    if style == "plain":
        return digits
    if style == "plus":
        return "+" + digits
    if style == "fullwidth":
        return digits.translate(FULLWIDTH)
    if style == "us":
        return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
    if style == "slash":
        return f"{digits[:4]}/{digits[4:]}"
    if style == "tight":
        return f"{digits[:3]}-{digits[3:]}"
    separator = {"dashes": "-", "spaces": " ", "dots": "."}[style]
    size = draw(st.integers(3, 4))
    return separator.join(digits[i : i + size] for i in range(0, len(digits), size))


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Nd", "Cs", "No", "Nl"]), max_size=12)


@given(before=WORDS, number=phone_numbers(), after=WORDS)
@example(before="sip:", number="13812341234", after="@10.0.0.1")
@example(before="\\n", number="555-1234", after="")
@example(before="x", number="+8613812341234", after="y")
def test_no_phone_number_survives(before: str, number: str, after: str) -> None:
    masked = mask_text(before + number + after)
    # At least four digits of the number are gone, wherever the mask falls; the digits around it may stay.
    around = len(digits_of(before + after))
    assert len(digits_of(masked)) <= len(digits_of(number)) - 4 + around
    assert digits_of(number) not in digits_of(masked)
    assert "****" in masked


@given(number=phone_numbers())
def test_a_masked_number_stays_as_it_is(number: str) -> None:
    once = mask_text(number)
    assert mask_text(once) == once


@given(st.uuids(), st.sampled_from(["{}", "attempt={}", "dialer/call/{}", "({})", "{}, {}", "uuid_kill {} NORMAL"]))
@example(uuid.UUID("12345678-1234-1234-1234-123456789012"), "seat 1001 {}")
def test_uuids_stay(ident: uuid.UUID, frame: str) -> None:
    text = frame.format(ident, ident)
    assert mask_text(text) == text


@given(
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2099, 12, 31)), st.sampled_from(["iso", "log", "zulu", "date"])
)
def test_timestamps_stay(moment: dt.datetime, style: str) -> None:
    text = {
        "iso": moment.isoformat(),
        "log": moment.strftime("%Y-%m-%d %H:%M:%S") + f",{moment.microsecond // 1000:03}",
        "zulu": moment.isoformat(timespec="microseconds") + "Z",
        "date": moment.date().isoformat(),
    }[style]
    assert mask_text(f"at {text} it rang") == f"at {text} it rang"


@given(st.ip_addresses(v=4), st.integers(0, 65535))
def test_addresses_and_ports_stay(address: ipaddress.IPv4Address, port: int) -> None:
    for text in (f"connected to {address}:{port}", f"sip:1001@{address}:{port}", f"{address} refused, port {port}"):
        assert mask_text(text) == text


@given(st.integers(0, 999_999), st.floats(0, 99, allow_nan=False))
def test_short_ids_and_small_decimals_stay(ident: int, seconds: float) -> None:
    text = f"lead {ident} took {seconds:.9f} s"
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "agents 1001, 1002, 1003 ready",
        'File "x.py", line 1234, in f',
        "hash 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "20261122T022900Z",
        "10.0.0.0/24",
        "uptime 12:05:07.123456",
        "",
        "123456",
    ],
)
def test_readable_things_stay(text: str) -> None:
    assert mask_text(text) == text


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812341234", "138****1234"),
        ("+8613812341234", "+861****1234"),
        ("(555) 123-4567", "55****4567"),
        ("5551234", "****234"),
        ("12345", "****5"),
        ("123", "****"),
        ("", "****"),
    ],
)
def test_mask_number(number: str, shown: str) -> None:
    assert mask_number(number) == shown


@given(st.text(max_size=30))
def test_mask_number_hides_four_digits_and_shows_seven_at_most(text: str) -> None:
    shown = mask_number(text)
    before = sum(c.isdigit() for c in text)
    after = sum(c.isdigit() for c in shown)
    assert after <= min(7, max(0, before - 4))


def test_a_gateway_name_before_the_number_stays() -> None:
    assert mask_text("sofia/gateway/gw1/13812341234") == "sofia/gateway/gw1/138****1234"


@given(st.text(st.sampled_from("0123456789 -.()/+abc:"), max_size=400))
def test_any_text_is_taken(text: str) -> None:
    assert isinstance(mask_text(text), str)
