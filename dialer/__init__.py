"""The dialer service: domain, engine, leads, switch driver, store, HTTP, simulation and the composition root."""

__version__ = "0.1.0"
