"""The production engine on a virtual clock: engine, driver, translation and gate against the modelled switch.

Simulation swaps the clock, the sockets and the store's disk, and nothing else. The fault tests live on it, and the
planner will.
"""
