"""Domain ↔ FreeSWITCH: events in (``translate``), commands out (``originate``, ``driver``), lists (``resync``).

The only room that knows both vocabularies. Must decide nothing: the engine does.
"""
