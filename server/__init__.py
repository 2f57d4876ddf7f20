"""An SMB 3.1.1 multichannel server and the client that uses it well.

Layers, outermost last; an arrow may only point up this list:

* ``server.wire``    bytes ↔ values. No I/O, no clock, no state but what a value holds.
* ``server.*``       the server: session → client → connections, hand-over, storage.
* ``server.client``  one session, many channels: policy, scheduling, failover.
* ``server.actor``   both of them as programs that a scenario can drive.

Nothing here knows of the emulated network: it sees sockets, asyncio and its own Protocols, and runs on plain
kernel sockets as well.
"""
