"""What the server is: client → session → channels, trees, opens, and the commands that act on them. No
sockets.
 A connection is given as a `Wire` to send on; messages come in by `Dispatcher.receive`, a loss by
`Core.lost`. Files, interfaces and shared records are reached through `server.ports`. Nothing here keeps
module-level state, so that several servers can live in one process. Scopes are those of MS-SMB2 3.3.1:

* `core`        what one worker process holds in all: configuration, ports, shares, sessions
* `client`      one ClientGUID: its connections
* `connection`  one TCP connection: dialect, credits, preauth hash, the sessions reachable on it
* `session`     a log-on: keys, channels, trees, opens;  `opens` an open file
* `shared`      what all workers know of an open file together, in the store;  `waiting` who waits for it to change
* `breaks`      telling a client to give up what it caches;  `notify` who watches which directory
* `dispatcher`  the order in which a request is judged;  `commands` the handlers, one module a family
"""
