"""`python -m bench.routing`: what one routing decision costs, and a blended day beside simpler rules.

Writes bench/results/routing.json. Nothing here is product: the days are played by the product's engine and pacing on
the planner's world, to which ``day`` adds callers.
"""
