"""`python -m freeswitch.standin`: run the embedded switch as a process.

Reads the command line, the password file and the world file; ends cleanly on SIGTERM and SIGINT.  Exit codes:
0 fine, 1 the port cannot be had, 2 usage, 78 an unusable file.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import signal
import sys
import time
from pathlib import Path

from freeswitch.standin.server import EventSocketServer, remove_state, write_state
from freeswitch.standin.specfile import Setup, SpecError, load
from freeswitch.standin.switch import Switch
from freeswitch.standin.wavfiles import SilentFiles
from freeswitch.standin.world import World

EXIT_FAILURE = 1
EXIT_CONFIG = 78


def parser() -> argparse.ArgumentParser:
    parse = argparse.ArgumentParser(prog="python -m freeswitch.standin", description="The embedded switch.")
    parse.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback)")
    parse.add_argument("--port", type=int, default=8021, help="event-socket port; 0 takes a free one")
    parse.add_argument(
        "--password-file", type=Path, required=True, help="file with the event-socket password"
    )
    parse.add_argument("--world", type=Path, help="JSON file that describes the modelled world")
    parse.add_argument("--state-file", type=Path, help="where to write pid, host and port for a parent")
    parse.add_argument("--node-name", default="standin", help="host name that the switch shows")
    parse.add_argument("--seed", type=int, help="seed of the world; another one each time when not given")
    parse.add_argument("--linger-s", type=float, help="end after so many seconds without a client and a call")
    return parse


async def serve(options: argparse.Namespace, password: str, setup: Setup) -> int:
    seed = options.seed if options.seed is not None else random.SystemRandom().getrandbits(32)
    switch = Switch(
        World(setup.world, random.Random(f"world {seed}")),
        random.Random(f"switch {seed}"),
        node_name=options.node_name,
        limits=setup.limits,
        timing=setup.timing,
        epoch_s=time.time(),
        recorder=SilentFiles(setup.world.records),
    )
    server = EventSocketServer(switch, password, linger_s=options.linger_s)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.finished.set)
    try:
        port = await server.start(options.host, options.port)
    except OSError as error:
        print(f"standin: cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
        return EXIT_FAILURE
    if options.state_file is not None:
        write_state(options.state_file, host=options.host, port=port, node=options.node_name)
    logging.getLogger("freeswitch.standin").info("listening on %s:%d, seed %d", options.host, port, seed)
    try:
        await server.finished.wait()
        await server.stop()
    finally:
        if options.state_file is not None:
            remove_state(options.state_file)
    return 0


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s standin %(levelname)s %(message)s"
    )
    try:
        password = options.password_file.read_text(encoding="utf-8").strip()
        setup = load(options.world) if options.world is not None else Setup()
    except (OSError, SpecError, UnicodeDecodeError) as error:
        print(f"standin: {error}", file=sys.stderr)
        return EXIT_CONFIG
    if not password:
        print(f"standin: {options.password_file}: empty; a password was expected", file=sys.stderr)
        return EXIT_CONFIG
    return asyncio.run(serve(options, password, setup))


if __name__ == "__main__":
    sys.exit(main())
