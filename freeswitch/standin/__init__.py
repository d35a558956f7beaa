"""The stand-in switch: one modelled world of carriers, callees and phones, dressed as a FreeSWITCH.

- `world` is the modelled world: pure, seeded, given the time.
- `switch.Switch` is the virtual switch over that world: pure, with a clock of its own that the caller
  advances.
- `server` puts a real event-socket TCP server around it (`python -m freeswitch.standin`).

It behaves as measured on a real FreeSWITCH (order of events, the headers that are read, the races); what it
leaves out is said in the docstring of the module concerned.  It shares no code with the `esl` package on
purpose: a codec used on both ends of a wire hides its own bugs.
"""
