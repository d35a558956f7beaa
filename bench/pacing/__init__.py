"""`make bench-pacing`: the table of cells and the hard cases, all policies in one run.

Shifts run in worker processes from a frozen copy of the code and are kept in bench/.cache/pacing, shift by shift, so a
run may be stopped at any time and goes on where it was. What a shift is, is the planner's; nothing here is product.
"""
