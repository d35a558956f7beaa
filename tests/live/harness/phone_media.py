"""A call's audio: G.711 over RTP, a tone of its own, digits, and everything that was heard.

Owns one RTP socket. Sends when told by ``tick`` and reads when told by ``readable``; has no thread and no clock.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.phone_sip import DTMF_PAYLOAD

Samples: TypeAlias = NDArray[np.int16]
RATE = 8000
FRAME = 160
FRAME_S = 0.02
LOUD = 6000
"""Peak of a tone; what arrives with less than a tenth of it is not counted as heard."""
KEYS = "0123456789*#ABCD"
_KEPT_FRAMES = 15_000
_MOST_LATE_FRAMES = 10


def _mulaw_table() -> Samples:
    code = ~np.arange(256) & 0xFF
    size = ((((code & 0x0F) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.int16)


def _alaw_table() -> Samples:
    code = np.arange(256) ^ 0x55
    part, base = (code & 0x70) >> 4, (code & 0x0F) << 4
    size = np.where(part == 0, base + 8, (base + 0x108) << np.maximum(part - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.int16)


_DECODE: Mapping[int, Samples] = {0: _mulaw_table(), 8: _alaw_table()}


def _nearest(table: Samples) -> NDArray[np.uint8]:
    """For each 16-bit value the code that comes closest."""
    order = np.argsort(table, kind="stable")
    levels = table[order].astype(np.int32)
    wanted = np.arange(-32768, 32768)
    right = np.clip(np.searchsorted(levels, wanted), 1, 255)
    nearer = np.where(wanted - levels[right - 1] <= levels[right] - wanted, right - 1, right)
    return order[nearer].astype(np.uint8)


_ENCODE: Mapping[int, NDArray[np.uint8]] = {payload: _nearest(table) for payload, table in _DECODE.items()}


def encode(samples: Samples, payload: int) -> bytes:
    """Linear → G.711 (payload 0 or 8)."""
    return _ENCODE[payload][samples.astype(np.int32) + 32768].tobytes()


def decode(data: bytes, payload: int) -> Samples:
    """G.711 → linear."""
    return _DECODE[payload][np.frombuffer(data, dtype=np.uint8)]


def sine(hz: float, seconds: float, loud: int = LOUD) -> Samples:
    """A tone."""
    return (loud * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.int16)


def strength(samples: Samples, hz: float) -> float:
    """The peak amplitude of one frequency."""
    if len(samples) < FRAME:
        return 0.0
    window = np.hanning(len(samples))
    turn = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE)
    return float(2 * abs(np.sum(samples * window * turn)) / np.sum(window))


def heard_tones(samples: Samples, wanted: Iterable[float], least: float = LOUD / 10) -> set[float]:
    """Which of these frequencies are in it."""
    return {hz for hz in wanted if strength(samples, hz) >= least}


def loudness(samples: Samples) -> float:
    """Root mean square; 0 for nothing."""
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if len(samples) else 0.0


class Media:
    """One call's RTP. ``every`` frame by frame, or one of so many: a phone that is there, and hardly costs anything."""

    def __init__(self, ip: str, every: int = 1) -> None:
        self.every = every
        self._count = 0
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, 0))
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]
        self.remote: tuple[str, int] | None = None
        self.payload = 8
        self.sends = True
        """False: sends nothing, as a phone does that suppresses silence or holds."""
        self.digits = ""
        """Digits that came in as RTP events."""
        self.packets_in = 0
        self.packets_out = 0
        self._heard: deque[tuple[float, Samples]] = deque(maxlen=_KEPT_FRAMES)
        self._sound = np.zeros(FRAME, dtype=np.int16)
        self._position = 0
        self._once = np.zeros(0, dtype=np.int16)
        self._pressing: deque[str | None] = deque()
        self._key_started: int | None = None
        self._sequence, self._timestamp, self._source = 1, FRAME, int.from_bytes(np.random.bytes(4), "big")
        self._due = time.monotonic()
        self._last_key_stamp = -1

    # ---- what we say ---------------------------------------------------------------------------------------

    def tone(self, hz: float) -> None:
        """Say a tone from now on; 0 is silence. Whole cycles, so that it has no clicks."""
        self.say(sine(hz, 1.0) if hz else np.zeros(FRAME, dtype=np.int16))

    def say(self, samples: Samples) -> None:
        """Say this over and over, padded to whole frames."""
        self._sound = np.pad(samples, (0, -len(samples) % FRAME))
        self._position = 0

    def say_once(self, samples: Samples) -> None:
        """Say this from the next frame on, and then what was said before, over and over."""
        self._once = np.pad(samples, (0, -len(samples) % FRAME))

    def press(self, digits: str, on_ms: int = 100, off_ms: int = 80) -> None:
        """Send RTP events (RFC 4733) for these keys, one after the other; ``,`` is a pause of half a second."""
        for digit in digits:
            if digit == ",":
                self._pressing.extend([None] * 25)
                continue
            assert digit in KEYS, digit
            self._pressing.extend([digit] * max(1, on_ms // 20))
            self._pressing.append(digit + "end")
            self._pressing.extend([None] * max(1, off_ms // 20))

    @property
    def pressing(self) -> bool:
        """Whether keys are still being sent."""
        return bool(self._pressing)

    def tick(self, now: float) -> None:
        """Send what is due by now; frames that are more than 200 ms late are left out."""
        if now - self._due > _MOST_LATE_FRAMES * FRAME_S:
            late = int((now - self._due) / FRAME_S) - 1
            self._due += late * FRAME_S
            self._timestamp += late * FRAME
        while self._due <= now:
            self._due += FRAME_S
            self._frame()

    def _frame(self) -> None:
        key = self._pressing.popleft() if self._pressing else None
        if self.remote is not None and self.remote[1]:
            if key is not None:
                self._key(key)
            elif self.sends and (len(self._once) or self._its_turn()):
                chunk = self._once[:FRAME] if len(self._once) else self._sound[self._position : self._position + FRAME]
                self._packet(self.payload, encode(chunk, self.payload), self._timestamp)
        self._once = self._once[FRAME:]
        self._position = (self._position + FRAME) % len(self._sound)
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF

    def _its_turn(self) -> bool:
        self._count += 1
        return self._count % self.every == 0

    def _key(self, key: str) -> None:
        first = self._key_started is None
        started = self._timestamp if self._key_started is None else self._key_started
        self._key_started = started
        ends = key.endswith("end")
        length = (self._timestamp - started) & 0xFFFF
        body = struct.pack("!BBH", KEYS.index(key[0]), (0x80 if ends else 0) | 10, max(length, FRAME))
        for _ in range(3 if ends else 1):
            self._packet(DTMF_PAYLOAD, body, started, marker=first)
        if ends:
            self._key_started = None

    def _packet(self, payload: int, body: bytes, timestamp: int, *, marker: bool = False) -> None:
        head = struct.pack("!BBHII", 0x80, (0x80 if marker else 0) | payload, self._sequence, timestamp, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.packets_out += 1
        with contextlib.suppress(OSError):
            self.sock.sendto(head + body, self.remote or ("", 0))

    # ---- what we hear --------------------------------------------------------------------------------------

    def readable(self) -> None:
        """Read what has come."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                data = self.sock.recv(2048)
                if len(data) < 12 or data[0] >> 6 != 2:
                    continue
                self.packets_in += 1
                payload, stamp = data[1] & 0x7F, int.from_bytes(data[4:8], "big")
                if payload in _DECODE:
                    self._heard.append((time.monotonic(), decode(data[12:], payload)))
                elif payload == DTMF_PAYLOAD and len(data) >= 16 and data[13] & 0x80 and stamp != self._last_key_stamp:
                    self._last_key_stamp = stamp
                    self.digits += KEYS[data[12]] if data[12] < len(KEYS) else "?"

    def heard(self, start: float = 0.0, end: float | None = None) -> Samples:
        """What came in between two moments (``time.monotonic``); gaps are left out."""
        parts = [part for at, part in list(self._heard) if at >= start and (end is None or at < end)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int16)

    def first_heard(self, hz: float, start: float) -> float | None:
        """When a tone came in first after ``start``, to 40 ms; None if not at all."""
        kept = [(at, part) for at, part in list(self._heard) if at >= start]
        for (_, one), (at, two) in pairwise(kept):
            if strength(np.concatenate([one, two]), hz) >= LOUD / 4:
                return at
        return None

    def last_heard_at(self) -> float:
        """When the last frame came; 0 for never."""
        return self._heard[-1][0] if self._heard else 0.0

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()
