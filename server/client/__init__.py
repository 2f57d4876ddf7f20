"""A client for SMB 3.1.1 multichannel: one session, many channels, and what happens when one of them dies.

From the inside out; each module knows only those above it:

* ``errors``, ``options``, ``events``   plain values
* ``handshake``    what is said before a channel carries requests: negotiate, log in, bind (sans-I/O)
* ``exchange``     message ids, credits, signatures, who waits for which answer (sans-I/O)
* ``health``       whether a channel is alive, from what its socket says (sans-I/O)
* ``policy``       which pairs of addresses are worth a channel (pure functions)
* ``local``        this host's interfaces, as its kernel tells them now
* ``link``, ``channel``    a TCP connection; the same, bound to the session
* ``dialer``       makes channels: one to log in, further ones to bind
* ``replay``, ``session``   requests that outlive the channel they were sent on
* ``files``        trees, opens, whole files in both directions
* ``surroundings``, ``watcher``, ``ledger``   which paths there are, who is silent, what may be tried
* ``keeper``       decides: opens channels, gives up dead ones, comes back to the better path
* ``client``       all of it behind one object
"""

from server.client.client import Client
from server.client.errors import ChannelLost, ClientError, HandleLost, SessionLost, StatusError
from server.client.options import Options

__all__ = ["ChannelLost", "Client", "ClientError", "HandleLost", "Options", "SessionLost", "StatusError"]
