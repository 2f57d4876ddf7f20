"""Handing a connection to the process that owns its ClientGUID.

* `records`   whose is which ClientGUID: in the store, right across processes
* `messages`  what the processes tell each other: `connection_pass`, `connection_passed` and their kin
* `post`      datagrams between processes, with descriptors in them
 A connection is at every moment somebody's: the sender keeps its descriptor until the receiver has confirmed,
and the receiver touches the connection only after it has confirmed. So it is served by one process, however
any of them dies.
"""
