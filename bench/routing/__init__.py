"""`python -m bench.routing`: what one routing decision costs, and a blended day beside simpler rules.

Writes bench/results/routing.json. Nothing here is product; outbound dialing is modelled simply (``day``).
"""
