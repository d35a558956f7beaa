"""What the command line is made of; ``dialer.cli`` is its door.

``options`` (what a run was asked for, durations, where the configuration is), ``tree`` (the commands),
``service`` (talking to the running dialer), ``running``, ``leads`` and ``floor`` (what the commands do),
``output`` (how it is shown). Must not import the engine, the store or gevent before a command needs them:
most commands are done in less time than that takes.
"""
