"""MS-SMB2 on the wire, without I/O: one message family a module, both directions.

Every value is a frozen, slotted dataclass with ``encode`` and ``decode``. Malformed input raises
``server.wire.errors.WireError`` and nothing else. ``header`` holds what all messages share; ``keys`` and
``signing`` what protects them; ``ntlm`` and ``spnego`` the tokens that a session setup carries.

Called by the server and by the client alike; knows of neither.
"""
