"""How the server reaches the outside: five Protocols and the values that cross them.

`processes`, `store`, `files`, `interfaces`, `sockets`. Everything else of the server is asyncio and the
sockets it was given. The real implementations are in `server.posix`; another set runs the same server
elsewhere. No implementation is known here, and none is imported by what uses these.
"""
