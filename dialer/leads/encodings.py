"""Which encoding a lead file has, and proof that all of it is in that encoding.

Owns detection by reading the whole file once in pieces, so that an import never stops half-way at a bad byte. Does
not parse. Candidates in order: a byte-order mark, UTF-8, UTF-16 without a mark, GB18030, Windows-1252.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dialer.leads.errors import LeadFileError

PIECE_BYTES: Final = 1 << 20
SAMPLE_BYTES: Final = 4 << 20
"""How much is looked at where bytes must be weighed; proof still reads everything."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UTF8_CHARACTER: Final = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH: Final = re.compile(rb"[\x80-\xff]")
_GB_PAIR: Final = re.compile(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]")
_GB2312_PAIR: Final = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")


def detect(path: Path, given: str | None = None) -> str:
    """The codec name to open ``path`` with; every byte of the file decodes with it.

    ``given`` is an operator's word and is only proven. Raises LeadFileError with line and byte of the first byte
    that does not fit, OSError when the file cannot be read.
    """
    if given is not None:
        try:
            codec = codecs.lookup(given).name
        except LookupError:
            raise LeadFileError(
                str(path), f"unknown encoding {given!r}; expected utf-8, utf-16, gb18030, cp1252 or another codec name"
            ) from None
        prove(path, "utf-8-sig" if codec == "utf-8" else codec)
        return "utf-8-sig" if codec == "utf-8" else codec
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    for mark, codec in _MARKS:
        if sample.startswith(mark):
            prove(path, codec)
            return codec
    if (wide := _utf16_without_mark(sample)) is not None:
        prove(path, wide)
        return wide
    try:
        prove(path, "utf-8")
        return "utf-8"
    except LeadFileError as error:
        if _mostly_utf8(sample):
            raise LeadFileError(
                str(path),
                f"{_detail(error)}; the rest looks like UTF-8: repair that byte, or name the encoding",
                line=error.line,
                byte=error.byte,
            ) from None
    order = ("gb18030", "cp1252") if _looks_chinese(sample) else ("cp1252", "gb18030")
    first: LeadFileError | None = None
    for codec in order:
        try:
            prove(path, codec)
            return codec
        except LeadFileError as error:
            first = first or error
    assert first is not None
    raise LeadFileError(
        str(path),
        f"{_detail(first)}; neither UTF-8, UTF-16, GB18030 nor Windows-1252 fits: name the encoding",
        line=first.line,
        byte=first.byte,
    )


def prove(path: Path, codec: str) -> None:
    """Decode all of ``path``. Raises LeadFileError naming line and byte of the first byte that does not fit."""
    decoder = codecs.getincrementaldecoder(codec)(errors="strict")
    line, done, pending = 1, 0, b""
    for piece, last in _pieces(path):
        try:
            text = decoder.decode(piece, last)
        except UnicodeDecodeError as error:
            # The decoder saw what it had kept of the piece before, then this piece.
            kept = len(error.object) - len(piece)
            at = done - kept + error.start
            before = pending[len(pending) - kept :] + piece if kept else piece
            good = before[: error.start].decode(codec, errors="replace")
            bad = error.object[error.start] if error.start < len(error.object) else 0
            raise LeadFileError(
                str(path),
                f"byte {at} (0x{bad:02x}) is not {codec.removesuffix('-sig')}: {error.reason}",
                line=line + good.count("\n"),
                byte=at,
            ) from None
        line += text.count("\n")
        done += len(piece)
        pending = piece[-8:]


def _detail(error: LeadFileError) -> str:
    return str(error).split(": ", 1)[1]


def _pieces(path: Path) -> Iterator[tuple[bytes, bool]]:
    with path.open("rb") as file:
        piece = file.read(PIECE_BYTES)
        while True:
            following = file.read(PIECE_BYTES)
            yield piece, not following
            if not following:
                return
            piece = following


def _utf16_without_mark(sample: bytes) -> str | None:
    """Half of the bytes of mostly ASCII text in UTF-16 are zero, all on the same side."""
    head = sample[:4096]
    if len(head) < 4:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) // 4 and even == 0:
        return "utf-16-le"
    if even > len(head) // 4 and odd == 0:
        return "utf-16-be"
    return None


def _mostly_utf8(sample: bytes) -> bool:
    """More bytes above 127 belong to well-formed UTF-8 characters than stand alone, by far."""
    high = len(_HIGH.findall(sample))
    in_characters = sum(len(found) for found in _UTF8_CHARACTER.findall(sample))
    return in_characters * 5 >= high * 4


def _looks_chinese(sample: bytes) -> bool:
    """Chinese text is nearly all GB2312 pairs of two high bytes; in Western text a high byte mostly stands alone."""
    pairs = len(_GB_PAIR.findall(sample))
    return pairs > 0 and len(_GB2312_PAIR.findall(sample)) * 5 >= pairs * 4
