"""A client for SMB 3.1.1 multichannel: one session, many channels, and what happens when one of them dies.

From the inside out; each module knows only those above it:

* ``errors``, ``options``, ``events``   plain values
* ``handshake``    what is said before a channel carries requests: negotiate, log in, bind (sans-I/O)
* ``exchange``     message ids, credits, signatures, who waits for which answer (sans-I/O)
* ``health``       whether a channel is alive, from what its socket says (sans-I/O)
* ``policy``       which pairs of addresses are worth a channel (pure functions)
* ``local``, ``sockets``   what this host's kernel knows: its interfaces; a socket's un-acked bytes
* ``link``, ``channel``    a TCP connection; the same, bound to the session
* ``session``      requests that outlive the channel they were sent on
* ``keeper``       watches interfaces and channels, opens better ones, gives up dead ones
* ``files``        trees, opens, whole files in both directions
* ``client``       all of it behind one object
"""

from server.client.client import Client
from server.client.errors import ChannelLost, ClientError, SessionLost, StatusError
from server.client.options import Options

__all__ = ["ChannelLost", "Client", "ClientError", "Options", "SessionLost", "StatusError"]
