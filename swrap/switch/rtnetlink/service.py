"""The programs' netlink sockets: AF_UNIX SOCK_SEQPACKET connections, one each (abi/route.h).

Owns the door, the sockets, their groups and what they have not read. A socket is not read while it has
answers left to take, and a notification that does not fit is dropped: its program learns that with ENOBUFS.
So nobody stops the network, and nobody is owed more than one answer. Called by the switch's main
loop, like `control`, and by the keeper of a lab that has none.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import select
import socket
import struct
from collections import deque

from swrap.abi import ffi, lib
from swrap.abi.names import decode
from swrap.abi.page import Page
from swrap.switch.control import Watcher
from swrap.switch.rtnetlink import wire
from swrap.switch.rtnetlink.answer import Answers
from swrap.switch.rtnetlink.changes import changes
from swrap.switch.rtnetlink.view import View, look

NETLINK_ROUTE, NETLINK_KOBJECT_UEVENT = 0, 15
LONGEST = 32 * 1024
"""Bytes of the longest datagram that is listened to."""
GROUPS = 64
WORDS = 16
"""Connections beside the sockets: words about groups, which come and go."""
OVERRUN = wire.message(wire.NLMSG_OVERRUN, 0, 0, 0)


class Member:
    """One connection. Before its first word it is nobody's (`protocol` is -1)."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.protocol = -1
        self.host = 0
        self.ino = 0
        self.port = 0  # netlink's; known when it has been needed
        self.groups = 0
        self.queue: deque[bytes] = deque()
        self.lost = False  # something was dropped, and the program does not know


class RouteService:
    """Everything that is asked of and told by the hosts' kernels, at a `door` that is listened at."""

    def __init__(self, page: Page, door: socket.socket, watcher: Watcher, answers: Answers) -> None:
        self._page = page
        self._watcher = watcher
        self._answers = answers
        self._members: dict[int, Member] = {}  # by fd
        self._known: dict[int, View] = {}  # hosts that somebody watches, as they were told
        self._told = page.address.seq
        self._most = most_sockets()
        self._spare = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        self._door = door
        watcher.watch(self._door.fileno(), select.EPOLLIN)

    def close(self) -> None:
        """Every netlink socket of the lab finds its network down."""
        for member in list(self._members.values()):
            self._drop(member)
        self._door.close()
        os.close(self._spare)

    def owns(self, fd: int) -> bool:
        """Is this ready fd one of ours?"""
        return fd == self._door.fileno() or fd in self._members

    def ready(self, fd: int, events: int) -> None:
        """One of our fds is ready."""
        if fd == self._door.fileno():
            self._accept()
            return
        member = self._members[fd]
        if events & (select.EPOLLHUP | select.EPOLLERR):
            self._drop(member)
            return
        if events & select.EPOLLOUT:
            self._flush(member)
        if events & select.EPOLLIN and fd in self._members and not member.queue:
            self._read(member)

    def refresh(self) -> None:
        """The page may have changed: tell those who want to know."""
        if self._page.address.seq == self._told:
            return
        self._told = self._page.address.seq
        for host, before in list(self._known.items()):
            members = [one for one in self._members.values() if one.groups and one.host == host]
            if not members:
                del self._known[host]
                continue
            self._known[host] = after = look(self._page, host)
            for told in changes(before, after, self._answers.link_body):
                for member in members:
                    if member.groups >> (told.group - 1) & 1:
                        self._notify(member, told.message)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._door.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE):
                    return
                self._turn_away()
                continue
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            stranger = struct.unpack("3i", credentials)[1] != os.geteuid()
            if stranger or len(self._members) >= self._most + WORDS:
                connection.close()
                continue
            connection.setblocking(False)
            self._members[connection.fileno()] = Member(connection)
            self._watcher.watch(connection.fileno(), select.EPOLLIN)

    def _turn_away(self) -> None:
        """No fd is left, and who knocks must not keep the loop awake: the spare one is for that."""
        os.close(self._spare)
        with contextlib.suppress(OSError):
            self._door.accept()[0].close()
        self._spare = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)

    def _read(self, member: Member) -> None:
        try:
            datagram, _, flags, _ = member.connection.recvmsg(LONGEST)
        except BlockingIOError:
            return
        except OSError:
            datagram, flags = b"", 0
        if not datagram:
            self._drop(member)
        elif member.protocol < 0:
            self._word(member, datagram)
        elif flags & socket.MSG_TRUNC:
            self._lose(member)
        elif member.protocol == NETLINK_ROUTE:
            if not member.port:
                member.port = self._port(member.connection)
            answers, more = self._answers.answer(member.host, member.port, datagram)
            member.queue.extend(answers)
            self._flush(member)
            if more:
                self._lose(member)

    def _word(self, member: Member, datagram: bytes) -> None:
        """A connection says what it is: a socket, or a word about one."""
        word = ffi.new("struct sw_route_word *")
        if len(datagram) == ffi.sizeof(word[0]):
            ffi.memmove(word, datagram, len(datagram))
        if word.magic != lib.SW_ROUTE_MAGIC or word.host >= len(self._page.hosts()):
            self._drop(member)
            return
        error, groups = self._obey(member, word.kind, word.host, word.ino, word.value)
        answer = ffi.new("struct sw_route_answer *", {"error": error, "groups": groups})
        with contextlib.suppress(OSError):
            member.connection.send(bytes(ffi.buffer(answer)))
        if member.protocol < 0:
            self._drop(member)

    def _obey(self, member: Member, kind: int, host: int, ino: int, value: int) -> tuple[int, int]:
        """An errno or 0, and the groups."""
        if kind == lib.SW_ROUTE_SOCKET:
            if value not in (NETLINK_ROUTE, NETLINK_KOBJECT_UEVENT):
                return errno.EPROTONOSUPPORT, 0
            if sum(one.protocol >= 0 for one in self._members.values()) >= self._most:
                return errno.ENFILE, 0
            member.protocol, member.host, member.ino = value, host, ino
            return 0, 0
        about = next((one for one in self._members.values() if one.ino == ino and one.protocol >= 0), None)
        if about is None:
            return errno.EBADF, 0
        if kind in (lib.SW_ROUTE_JOIN, lib.SW_ROUTE_LEAVE):
            if not 1 <= value <= GROUPS:
                return errno.EINVAL, about.groups
            bit = 1 << (value - 1)
            about.groups = about.groups | bit if kind == lib.SW_ROUTE_JOIN else about.groups & ~bit
        elif kind == lib.SW_ROUTE_BIND:
            about.groups = about.groups >> 32 << 32 | value
        elif kind != lib.SW_ROUTE_ASK:
            return errno.EINVAL, about.groups
        if about.groups and about.host not in self._known:
            self._known[about.host] = look(self._page, about.host)
        return 0, about.groups

    def _port(self, connection: socket.socket) -> int:
        """The port id that the program's socket is bound to: its name's last four bytes."""
        try:
            raw = connection.getpeername()
        except OSError:
            return 0
        name = decode(self._page, raw) if isinstance(raw, bytes) else None
        return int(name.own.ip) & 0xFFFFFFFF if name is not None else 0

    def _notify(self, member: Member, message: bytes) -> None:
        """Now or never."""
        if not member.queue and not member.lost:
            with contextlib.suppress(BlockingIOError):
                self._send(member, message)
                return
        self._lose(member)

    def _lose(self, member: Member) -> None:
        member.lost = True
        self._flush(member)

    def _flush(self, member: Member) -> None:
        """As much as the program takes now; behind it, if need be, the word that something is missing."""
        with contextlib.suppress(BlockingIOError):
            while member.queue:
                self._send(member, member.queue[0])
                if member.queue:
                    member.queue.popleft()
            if member.lost and member.connection.fileno() in self._members:
                self._send(member, OVERRUN)
                member.lost = False
        if member.connection.fileno() in self._members:
            waits = bool(member.queue) or member.lost
            self._watcher.watch(member.connection.fileno(), select.EPOLLOUT if waits else select.EPOLLIN)

    def _send(self, member: Member, message: bytes) -> None:
        """Raises BlockingIOError where there is no room; a program that has gone is dropped."""
        try:
            member.connection.send(message)
        except BlockingIOError:
            raise
        except OSError:
            self._drop(member)

    def _drop(self, member: Member) -> None:
        fd = member.connection.fileno()
        if self._members.pop(fd, None) is None:
            return
        member.queue.clear()
        self._watcher.unwatch(fd)
        member.connection.close()


def most_sockets() -> int:
    """What the data plane leaves to us of the process's fds: an eighth (reserve() in opening.c)."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(512, max(4, (limit - 64) // 8))
