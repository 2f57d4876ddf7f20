"""The door at which programs ask for a netlink socket (abi/route.h), apart from `service`, which is slow to import.

Called by whoever has the service: the switch, or the lab for its keeper.
"""

from __future__ import annotations

import socket

from swrap.abi.names import service_address
from swrap.abi.page import Page


def listen(page: Page) -> socket.socket:
    """It is listened at from now on; OSError where somebody does so already."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        door.bind(service_address(page, "route"))
        door.listen(1024)
    except BaseException:
        door.close()
        raise
    return door
