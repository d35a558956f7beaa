"""FreeSWITCH's side of the product.

`conf` renders the XML that a real server needs from our own configuration; `standin` is the embedded switch,
a model of a FreeSWITCH behind a real event-socket port.  Neither knows anything of campaigns, leads or
agents.
"""
