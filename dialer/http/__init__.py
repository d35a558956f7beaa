"""The HTTP room: API, metrics and health of a running service, and the files by which a command finds it.

``app.make_app`` builds the application on a ``ServicePort``, ``server.HttpServer`` serves it on gevent,
``metrics`` reads the port at each scrape, ``runfiles`` is for both sides. Nothing is imported here, so that a
light command can read the run files without loading Flask. Must not know the engine or the store: only the
port.
"""
