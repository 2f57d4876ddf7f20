"""Which handler serves which command. What is not here is answered NOT_SUPPORTED."""

from __future__ import annotations

from collections.abc import Mapping

from server.core.commands import (
    close,
    create,
    directory,
    ioctl,
    lock,
    misc,
    negotiate,
    notify,
    oplock_break,
    query_info,
    readwrite,
    session_setup,
    set_info,
    tree,
)
from server.core.dispatcher import Handler
from server.wire.header import Command

HANDLERS: Mapping[Command, Handler] = {
    Command.NEGOTIATE: negotiate.negotiate,
    Command.SESSION_SETUP: session_setup.session_setup,
    Command.LOGOFF: session_setup.logoff,
    Command.TREE_CONNECT: tree.tree_connect,
    Command.TREE_DISCONNECT: tree.tree_disconnect,
    Command.CREATE: create.create,
    Command.CLOSE: close.close,
    Command.FLUSH: readwrite.flush,
    Command.READ: readwrite.read,
    Command.WRITE: readwrite.write,
    Command.LOCK: lock.lock,
    Command.IOCTL: ioctl.ioctl,
    Command.CANCEL: misc.cancel,
    Command.ECHO: misc.echo,
    Command.QUERY_DIRECTORY: directory.query_directory,
    Command.CHANGE_NOTIFY: notify.change_notify,
    Command.QUERY_INFO: query_info.query_info,
    Command.SET_INFO: set_info.set_info,
    Command.OPLOCK_BREAK: oplock_break.oplock_break,
}
