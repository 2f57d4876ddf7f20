"""Gaps in words: what a program asked for and did not get.

Owns the names: of options, levels, socket types and ioctls, as far as they are known; others stay numbers.
What is counted, the shim decides. Called by the command line, and where a run ends.
"""

from __future__ import annotations

import socket

from swrap.abi.options import Gap, GapKind

CALLS = {
    GapKind.SOCKET: "socket",
    GapKind.GETSOCKOPT: "getsockopt",
    GapKind.SETSOCKOPT: "setsockopt",
    GapKind.NO_EFFECT: "setsockopt, without effect",
    GapKind.IOCTL: "ioctl",
    GapKind.CONTROL: "sendmsg",
    GapKind.SEND: "send",
}
"""The call, by the kind of gap."""

_LEVELS = {
    socket.SOL_SOCKET: ("SOL_SOCKET", "SO_"),
    socket.IPPROTO_TCP: ("IPPROTO_TCP", "TCP_"),
    socket.IPPROTO_IP: ("IPPROTO_IP", "IP_"),
    socket.IPPROTO_IPV6: ("IPPROTO_IPV6", "IPV6_"),
    socket.IPPROTO_UDP: ("IPPROTO_UDP", "UDP_"),
    270: ("SOL_NETLINK", "NETLINK_"),
}
# Linux' (include/uapi), where Python's socket module has no name.
_MORE = {
    "SO_": {
        26: "ATTACH_FILTER",
        29: "TIMESTAMP",
        35: "TIMESTAMPNS",
        37: "TIMESTAMPING",
        47: "MAX_PACING_RATE",
    }
    | {50: "ATTACH_BPF", 51: "ATTACH_REUSEPORT_CBPF", 52: "ATTACH_REUSEPORT_EBPF", 60: "ZEROCOPY"}
    | {61: "TXTIME", 62: "BINDTOIFINDEX"},
    "TCP_": {14: "MD5SIG", 19: "REPAIR", 24: "TIMESTAMP", 27: "SAVE_SYN", 28: "SAVED_SYN", 31: "ULP"}
    | {33: "FASTOPEN_KEY", 35: "ZEROCOPY_RECEIVE", 36: "INQ", 37: "TX_DELAY", 38: "AO_ADD_KEY"}
    | {44: "RTO_MAX_MS"},
    "IP_": {5: "ROUTER_ALERT", 11: "RECVERR", 15: "FREEBIND", 16: "IPSEC_POLICY", 19: "TRANSPARENT"}
    | {20: "RECVORIGDSTADDR", 21: "MINTTL", 22: "NODEFRAG", 23: "CHECKSUM", 25: "RECVFRAGSIZE"}
    | {26: "RECVERR_RFC4884", 41: "MSFILTER", 46: "MCAST_JOIN_SOURCE_GROUP", 50: "UNICAST_IF"}
    | {51: "LOCAL_PORT_RANGE"},
    "IPV6_": {1: "ADDRFORM", 22: "ROUTER_ALERT", 24: "MTU", 25: "RECVERR", 31: "RECVERR_RFC4884"}
    | {72: "ADDR_PREFERENCES", 73: "MINHOPCOUNT", 74: "RECVORIGDSTADDR", 75: "TRANSPARENT"}
    | {76: "UNICAST_IF", 77: "RECVFRAGSIZE", 78: "FREEBIND"},
    "NETLINK_": {6: "RX_RING", 7: "TX_RING", 8: "LISTEN_ALL_NSID"},
    "UDP_": {1: "CORK", 100: "ENCAP", 101: "NO_CHECK6_TX", 102: "NO_CHECK6_RX", 103: "SEGMENT", 104: "GRO"},
}
_IOCTLS = {
    0x8904: "SIOCGPGRP",
    0x8905: "SIOCATMARK",
    0x8906: "SIOCGSTAMP",
    0x8927: "SIOCGIFHWADDR",
    0x8942: "SIOCGIFTXQLEN",
    0x8946: "SIOCETHTOOL",
}


def what(gap: Gap) -> str:
    """The option, the kind of socket or the request by its name, or in numbers where none is known."""
    if gap.kind == GapKind.SOCKET:
        return f"{_enum('AF_', gap.level)} {_enum('SOCK_', gap.name)} protocol {gap.extra}"
    if gap.kind == GapKind.IOCTL:
        command = f" command {gap.extra}" if gap.extra else ""
        return _IOCTLS.get(gap.name, f"{gap.name:#x}") + command
    if gap.kind == GapKind.SEND:
        return _enum("MSG_", gap.name)
    level, prefix = _LEVELS.get(gap.level, (f"level {gap.level}", ""))
    known = prefix and (_MORE[prefix].get(gap.name) or _constant(prefix, gap.name))
    return f"{level} {prefix}{known}" if known else f"{level} option {gap.name}"


def _constant(prefix: str, number: int) -> str | None:
    names = (name for name in sorted(vars(socket)) if name.startswith(prefix))
    return next((name.removeprefix(prefix) for name in names if vars(socket)[name] == number), None)


def _enum(prefix: str, number: int) -> str:
    known = _constant(prefix, number)
    return prefix + known if known else f"{prefix}{number}"
