"""Whole shifts on a virtual clock: the production engine with everything around it simulated, from a seed.

Two of them. ``shift`` swaps the clock, the sockets and the store's disk and nothing else: engine, driver and
translation against the modelled switch, with faults and invariants. ``planner`` is the fast one behind ``dialer
simulate``: the same engine and policies, which a light world answers with events directly.
"""
