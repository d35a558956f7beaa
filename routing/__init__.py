"""Which agent takes this call, and why: pure functions over waiting calls and agents.

Must import nothing of the dialer, the event socket or the switch, and read no clock.
"""
