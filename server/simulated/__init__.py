"""The server's ports where processes are simulated: one interpreter, one thread, no fork, no shared memory.

Each module implements one Protocol of `server.ports` on a `Machine` (`machine`), which whoever simulates gives to
each process. `actor` has the two actors' main functions. Files and socket queries are `server.posix`'s own.
"""
