"""A socket is held by whoever has it open, and every holder is found."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path

from swrap.abi.names import Endpoint, Name, encode
from swrap.abi.page import Page
from swrap.lab.holders import Holder, holders
from swrap.lab.listeners import Listener, listeners
from swrap.topology import Topology


def test_all_holders_of_a_socket_are_told_with_their_command_lines() -> None:
    one, other = socket.socketpair()
    with one, other, subprocess.Popen(["cat", "-"], stdin=one) as child:
        inode = os.fstat(one.fileno()).st_ino
        found = holders([inode])
        assert list(found) == [inode]
        assert Holder(child.pid, "cat -") in found[inode]
        assert os.getpid() in [holder.pid for holder in found[inode]]
        one.close()
        assert holders([inode]) == {inode: [Holder(child.pid, "cat -")]}
        assert holders([inode], pids=[os.getpid()]) == {}
        other.close()
    assert holders([inode]) == {}


def test_nobody_is_asked_about_nothing() -> None:
    assert holders([]) == {}


def test_a_listener_is_a_name_of_the_lab_on_which_listen_was_called(
    tmp_path: Path, topology: Topology
) -> None:
    with (
        closing(Page.create(tmp_path / "page", topology)) as page,
        socket.socket(socket.AF_UNIX) as listening,
    ):
        own = Endpoint(ip_address("10.0.1.2"), 445)
        listening.bind(encode(page, Name(1, "t", own, None)))
        assert listeners(page, pid=os.getpid()) == []
        listening.listen()
        assert listeners(page, pid=os.getpid()) == [
            Listener("laptop", own, os.fstat(listening.fileno()).st_ino)
        ]


def test_neither_a_forged_name_nor_an_accepted_socket_is_a_listener(
    tmp_path: Path, topology: Topology
) -> None:
    with closing(Page.create(tmp_path / "page", topology)) as page, socket.socket(socket.AF_UNIX) as real:
        name = encode(page, Name(0, "t", Endpoint(ip_address("::"), 80), None))
        forged = name[:-3] + (b"AAA" if name[-3:] != b"AAA" else b"BBB")
        real.bind(name)
        real.listen()
        with socket.socket(socket.AF_UNIX) as false, socket.socket(socket.AF_UNIX) as client:
            false.bind(forged)
            false.listen()
            client.connect(name)
            with real.accept()[0]:
                assert [one.inode for one in listeners(page, pid=os.getpid())] == [
                    os.fstat(real.fileno()).st_ino
                ]
