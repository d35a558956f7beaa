"""Move a phone of the embedded switch: dial, press, hangup, hold, vanish. For trying things out, with python3 alone.

usage: phone.py RUN_DIR dial|press|hangup|hold|vanish SEAT [DIGITS]
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import BinaryIO


def answer(stream: BinaryIO) -> str:
    """The next answer's text."""
    headers: dict[str, str] = {}
    while line := stream.readline().decode().strip():
        key, _, value = line.partition(": ")
        headers[key] = value
    return stream.read(int(headers.get("Content-Length", 0))).decode() or headers.get("Reply-Text", "")


def main(run_dir: str, *words: str) -> int:
    state = json.loads(Path(run_dir, "switch.json").read_text())
    password = Path(run_dir, "switch.password").read_text().strip()
    with socket.create_connection((state["host"], state["port"]), timeout=5) as sock, sock.makefile("rb") as stream:
        answer(stream)
        for line in (f"auth {password}", f"api standin_{' '.join(words)}"):
            sock.sendall(f"{line}\n\n".encode())
            said = answer(stream).strip()
    print(said)
    return 0 if said.startswith("+OK") else 1


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
