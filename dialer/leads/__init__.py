"""Leads before and between calls: numbers, call windows, the gate's judgement, recycling, files, the hopper.

Owns the rules about leads as pure functions of facts and a given time. Only ``files`` reads anything; nothing here
knows how leads are stored.
"""
