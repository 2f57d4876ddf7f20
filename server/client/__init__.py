"""A client for SMB 3.1.1 multichannel: one session, many channels, and what happens when one of them dies.

``Client`` is the API for asyncio programs::

    async with Client(Options("10.0.1.1", "alice", "secret")) as client:
        await client.login()
        await client.connect_channels()
        file = await client.open("data", "notes.txt")
        print(await file.read(0, 1000))
        await file.close()

From the inside out; each module knows only those above it:

* ``errors``, ``options``, ``events``, ``request``, ``lease``, ``contents``   plain values
* ``handshake``    what is said before a channel carries requests: negotiate, log in, bind (sans-I/O)
* ``exchange``     message ids, credits, signatures, who waits for which answer (sans-I/O)
* ``health``       whether a channel is alive, from what its socket says (sans-I/O)
* ``policy``       which pairs of addresses are worth a channel (pure functions)
* ``local``        this host's interfaces, as its kernel tells them now
* ``link``, ``channel``    a TCP connection; the same, bound to the session
* ``dialer``       makes channels: one to log in, further ones to bind
* ``scheduler``, ``replay``, ``channels``   which channel is next; a lost one's requests; all of them
* ``relogon``, ``session``   requests that outlive the channel they were sent on, and the session's time
* ``opening``, ``files``, ``leases``, ``holdings``   an open; breaks; all that is to come back in a new session
* ``copying``, ``tree``   whole files in both directions; a share
* ``node``, ``cached``   what is kept of a file as long as its lease allows it
* ``surroundings``, ``watcher``, ``ledger``   which paths there are, who is silent, what may be tried
* ``renewal``, ``keeper``   a new session in the place of a lost one; opens channels, gives up dead ones
* ``client``       all of it behind one object
"""

from server.client.cached import CachedFile
from server.client.client import Client
from server.client.errors import ChannelLost, ClientError, HandleLost, SessionLost, StatusError
from server.client.options import Options

__all__ = [
    "CachedFile",
    "ChannelLost",
    "Client",
    "ClientError",
    "HandleLost",
    "Options",
    "SessionLost",
    "StatusError",
]
