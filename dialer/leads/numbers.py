"""Phone numbers of leads: E.164 from what people type, every time zone a number may be in, and its type of line.

Owns normalising, zones and types. Must not decide whether a number may be dialed now (``windows``, ``eligibility``),
and does not mask (``dialer.masking``). Knowledge of numbering plans is the phonenumbers library's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import phonenumbers
from phonenumbers import timezone as number_zones

from dialer.leads.errors import NumberError

MAX_RAW_CHARS: Final = 60
"""Longer text is no phone number; the parser is not bothered with it."""

_UNKNOWN_ZONE: Final = "Etc/Unknown"
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_DIALABLE: Final = re.compile(r"[0-9+()\[\]./\s~*#-]*", re.ASCII)
_SCIENTIFIC: Final = re.compile(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]{1,2}")

_LINE_TYPES: Final = {
    phonenumbers.PhoneNumberType.MOBILE: "mobile",
    phonenumbers.PhoneNumberType.FIXED_LINE: "fixed",
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: "mixed",
    phonenumbers.PhoneNumberType.VOIP: "voip",
    phonenumbers.PhoneNumberType.UNKNOWN: "",
}

_WHY: Final = {
    phonenumbers.ValidationResult.INVALID_COUNTRY_CODE: "an unknown country code",
    phonenumbers.ValidationResult.TOO_SHORT: "too few digits",
    phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "no area code",
    phonenumbers.ValidationResult.INVALID_LENGTH: "a number of digits that its country does not use",
    phonenumbers.ValidationResult.TOO_LONG: "too many digits",
}


def normalise(raw: str, region: str | None, test_ranges: Sequence[str] = ()) -> str:
    """``raw`` as E.164 with its plus sign.

    ``region`` is the two-letter country for numbers without a country code (None: they are refused).
    ``test_ranges`` are E.164 prefixes with a plus sign (``+999``) whose numbers are admitted although no country
    has them. Raises NumberError.
    """
    text = _plain(raw)
    if not text:
        raise NumberError("the number is empty")
    if len(text) > MAX_RAW_CHARS:
        raise NumberError(f"{len(text)} characters, more than any phone number has")
    if _SCIENTIFIC.fullmatch(text):
        raise NumberError("a number that a spreadsheet rounded (as in 8.6E+12): export the column as text")
    if text.endswith((".0", ",0")) and text[:-2].lstrip("+").isdigit():
        text = text[:-2]
    if not _DIALABLE.fullmatch(text):
        raise NumberError("characters that no phone number has; expected digits, spaces and + ( ) - . /")
    tested = _test_number(text, test_ranges)
    if tested is not None:
        return tested
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            hint = "no known country code" if region else "no country code and no region to assume"
            raise NumberError(f"{hint}; expected +<country><number>") from None
        raise NumberError("not a phone number") from None
    if parsed.extension:
        raise NumberError("an extension, which cannot be dialed")
    if not phonenumbers.is_valid_number(parsed):
        why = _WHY.get(phonenumbers.is_possible_number_with_reason(parsed), "digits that its country does not assign")
        raise NumberError(f"not a valid number: {why}")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def zones_of(e164: str) -> tuple[str, ...]:
    """Every IANA zone that the subscriber of ``e164`` may be in, sorted; empty when nothing is known."""
    try:
        parsed = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return ()
    return tuple(sorted(z for z in number_zones.time_zones_for_number(parsed) if z != _UNKNOWN_ZONE))


def zones_for_lead(e164: str, own_zone: str | None) -> tuple[str, ...]:
    """The zones that bind a call to ``e164``.

    A lead's own zone wins alone: it is a fact about the person, where the number's zones are only places that the
    person may be. ``own_zone`` must be a valid IANA name or None.
    """
    return (own_zone,) if own_zone else zones_of(e164)


def line_type(e164: str) -> str:
    """What kind of line ``e164`` is by its numbering plan: mobile, fixed, mixed (the plan does not tell these two
    apart), voip, other, or empty when the number is no known one."""
    try:
        parsed = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return ""
    return _LINE_TYPES.get(phonenumbers.number_type(parsed), "other")


def national(e164: str) -> str:
    """The digits of ``e164`` without its country code; all of them where that is not known."""
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(e164, None))
    except phonenumbers.NumberParseException:
        return "".join(c for c in e164 if c.isdigit())


def prefixes(e164: str) -> tuple[str, ...]:
    """Every prefix of ``e164`` with its plus sign, the number itself included: what a prefix entry may equal."""
    return tuple(e164[:n] for n in range(2, len(e164) + 1))


def check_test_ranges(ranges: Sequence[str]) -> None:
    """Raises NumberError unless each range is a plus sign and 1 to 14 digits."""
    for one in ranges:
        if not re.fullmatch(r"\+[1-9][0-9]{0,13}", one):
            raise NumberError(f"test range {one!r}: expected + and 1 to 14 digits, as in +999")


def _plain(raw: str) -> str:
    """Full-width digits as digits; invisible characters (contact apps add them) and a spreadsheet's apostrophe gone."""
    text = unicodedata.normalize("NFKC", raw)
    kept = "".join(c for c in text if unicodedata.category(c) != "Cf")
    kept = "".join("-" if unicodedata.category(c) == "Pd" else c for c in kept)
    return kept.strip().lstrip("'").strip()


def _test_number(text: str, ranges: Sequence[str]) -> str | None:
    digits = "+" + re.sub(r"[^0-9]", "", text)
    if text.startswith("+") and any(digits.startswith(r) for r in ranges) and _E164.fullmatch(digits):
        return digits
    return None
