"""What the live tests are made of: a real FreeSWITCH, SIPp as carrier and phones, the dialer, and a witness.

The witness (``witness``) speaks the event socket with code of its own, so that a fault of ours cannot hide itself.
"""
