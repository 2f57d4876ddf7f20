"""The commands of SMB2, one module a family, and the table of them.
 A handler takes a `Request` whose session, signature and tree were judged already, and gives a `Reply`, an
awaitable of one, or None. It refuses by raising `StatusError`, `DisconnectError`, `WireError` or `OSError`.
"""
