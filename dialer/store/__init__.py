"""The journal: leads, attempts, do-not-call, agents and campaigns in SQL, and the gate before each call.

Owns every SQL statement of the product. ``client`` is the daemon's side (gevent, no SQL), ``worker`` the process
that it starts; importing this package imports neither.
"""
