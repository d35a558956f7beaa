"""How many calls to start now: pure policies over a snapshot.

Must import nothing of the dialer, the event socket or the switch, and read no clock.
"""
