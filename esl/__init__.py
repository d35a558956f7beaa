"""FreeSWITCH's event socket: codec, typed commands and a gevent client. Knows nothing about dialing.

`protocol`, `headers`, `commands`, `jobs` and `backoff` are pure (no socket, clock or gevent); `transport`,
`connection`, `outbound`, `client` and `testing` run on gevent.
"""
