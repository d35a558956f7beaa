"""Facts, states and decisions of the dialer, without any I/O.

Owns the vocabulary: state tables of calls, agents, campaigns and leads, the outcomes of an attempt, the
settings the engine works from, and the frozen event and command types that cross its border.
Must not import gevent, sockets, clocks, databases or metrics.
"""
