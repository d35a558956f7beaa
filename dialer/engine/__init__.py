"""The pure engine: ``handle(event, now)`` returns commands; it owns all live state of one pool.

Must not import gevent, sockets, clocks, databases or metrics: time and identifiers are passed in, so that the same
code runs in production, in the planner and in the fault tests.
"""

from dialer.engine.core import Engine

__all__ = ["Engine"]
