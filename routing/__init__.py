"""Which agent takes this call, or what it hears meanwhile; which line a call goes out on, and why: pure functions.

(waiting calls, agents, policy, now) → matches with reasons. Time is passed in as seconds since 1970, numbers come
normalised (``+`` and digits), whatever happened before comes as facts. Imports the standard library and itself only.

The rooms:

- ``facts``       what a decision may look at, and what it says: calls, agents, policy; Match, Wait
- ``skills``      needs and levels, and how they relax
- ``fitting``     may this agent take this call now, how well do they fit, and why not
- ``order``       the one total order in which pairs of calls and agents are joined; the words of a match
- ``batch``       the rule itself, written down plainly: all matches of one moment
- ``queue``       the same answer kept up to date, event by event, for live use; ``roster``: its index of agents
- ``waiting``     why a call waits and until when, its place, the wait it may expect
- ``intake``      what a call that arrives is to us: refused, returned call, VIP, tier, own agent, groups; with reasons
- ``affinity``    last agent, missed calls returned, how long a caller waits for their own agent
- ``callers``     what kind of caller ID this is
- ``vip``         who is a VIP, and which rules contradict each other
- ``tiers``       which tier a lead is of, and which rules leave gaps or contradict each other; ``boxes``: the algebra
- ``calendars``   open or closed, and when that changes
- ``followme``    desk, mobile, leader, voicemail: the next step after each event
- ``trunks``      which line out, as which caller ID, and why no other; made of ``costs``, ``causes``, ``health`` and
                  ``caller_ids``
- ``select``      the longest-idle line that the engine uses until it takes calls from ``queue``

Must import nothing of the dialer, the event socket or the switch, and read no clock.
"""
