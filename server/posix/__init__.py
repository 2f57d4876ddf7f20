"""The server's ports on a real system: Linux processes, LMDB, a directory, the kernel's interfaces and
sockets.

Each module implements one Protocol of `server.ports` and knows nothing of SMB or of the other modules.
"""
