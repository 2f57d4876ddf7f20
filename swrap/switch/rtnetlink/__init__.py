"""rtnetlink(7) for the programs of a lab: what `ip`, and all that watches the network, asks the kernel.

`door` is where they ask, `service` owns the sockets, `answer` turns a request into messages, `changes` tells what
is new, `view` is a host's network at one moment, `link`, `address` and `route` are its objects as messages,
`wire` is the format. Called by the switch's main loop, and by the keeper of a lab without a switch.
"""
