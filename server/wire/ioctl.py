"""IOCTL and the FSCTL payloads of multichannel (MS-SMB2 2.2.31, 2.2.32): the envelope, network interfaces,
validation.

Pure values: which control codes are served is the server's affair.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from struct import Struct

from server.wire.buffers import HEADER_SIZE, Buffer, payload, slice_of, unpack, unpack_at
from server.wire.errors import MalformedError

_REQUEST = Struct("<HHI16sIIIIIIII")
_RESPONSE = Struct("<HHI16sIIIIII")
_INTERFACE = Struct("<IIIIQ128s")
_VALIDATE = Struct("<I16sHH")
_VALIDATE_RESPONSE = Struct("<I16sHH")

NO_FILE = b"\xff" * 16
"""FileId of an IOCTL that concerns no open file."""

FLAG_IS_FSCTL = 1


class ControlCode(IntEnum):
    """The codes that peers send; a server refuses most of them."""

    DFS_GET_REFERRALS = 0x00060194
    DFS_GET_REFERRALS_EX = 0x000601B0
    GET_COMPRESSION = 0x0009003C
    SET_REPARSE_POINT = 0x000900A4
    GET_REPARSE_POINT = 0x000900A8
    CREATE_OR_GET_OBJECT_ID = 0x000900C0
    SET_SPARSE = 0x000900C4
    QUERY_ALLOCATED_RANGES = 0x000940CF
    SET_ZERO_DATA = 0x000980C8
    FILE_LEVEL_TRIM = 0x00098208
    SET_COMPRESSION = 0x0009C040
    PIPE_PEEK = 0x0011400C
    PIPE_WAIT = 0x00110018
    PIPE_TRANSCEIVE = 0x0011C017
    SRV_REQUEST_RESUME_KEY = 0x00140078
    VALIDATE_NEGOTIATE_INFO = 0x00140204
    SRV_COPYCHUNK = 0x001440F2
    SRV_COPYCHUNK_WRITE = 0x001480F2
    SRV_READ_HASH = 0x001441BB
    LMR_REQUEST_RESILIENCY = 0x001401D4
    QUERY_NETWORK_INTERFACE_INFO = 0x001401FC
    SMBTORTURE_FORCE_UNACKED_TIMEOUT = 0x83848003
    SMBTORTURE_IOCTL_RESPONSE_PADDING = 0x83848013
    SMBTORTURE_READ_RESPONSE_PADDING = 0x83848023
    SMBTORTURE_ASYNC_SLEEP = 0x83848043


@dataclass(frozen=True, slots=True)
class IoctlRequest:
    """`code` stays a plain number: peers may send any. `max_output` bounds the output, in bytes."""

    code: int
    file_id: bytes = NO_FILE
    data: Buffer = b""
    max_input: int = 0
    max_output: int = 65536
    flags: int = FLAG_IS_FSCTL

    @classmethod
    def decode(cls, body: Buffer) -> IoctlRequest:
        _, _, code, file_id, offset, count, max_input, _, _, max_output, flags, _ = unpack(
            _REQUEST, body, 57, "IOCTL request"
        )
        data = payload(body, offset, count, _REQUEST.size, "IOCTL input")
        return cls(code, file_id, data, max_input, max_output, flags)

    def encode(self) -> bytes:
        offset = HEADER_SIZE + _REQUEST.size
        head = _REQUEST.pack(
            57,
            0,
            self.code,
            self.file_id,
            offset,
            len(self.data),
            self.max_input,
            offset,
            0,
            self.max_output,
            self.flags,
            0,
        )
        return head + (bytes(self.data) or b"\0")


@dataclass(frozen=True, slots=True)
class IoctlResponse:
    code: int
    file_id: bytes = NO_FILE
    data: Buffer = b""

    @classmethod
    def decode(cls, body: Buffer) -> IoctlResponse:
        _, _, code, file_id, _, _, offset, count, _, _ = unpack(_RESPONSE, body, 49, "IOCTL response")
        return cls(code, file_id, payload(body, offset, count, _RESPONSE.size, "IOCTL output"))

    def encode(self, gap: int = 0) -> bytes:
        """`gap`: bytes between the fixed part and the output, which nobody sends but to try a client."""
        offset = HEADER_SIZE + _RESPONSE.size
        head = _RESPONSE.pack(49, 0, self.code, self.file_id, offset, 0, offset + gap, len(self.data), 0, 0)
        return head + bytes(gap) + (bytes(self.data) or b"\0")


class InterfaceCapability(IntEnum):
    NONE = 0
    RSS = 1
    RDMA = 2


_AF_INET = 0x0002
_AF_INET6 = 0x0017  # Windows' number, on every platform
_SOCKADDR_IN = Struct("<HH4s")
_SOCKADDR_IN6 = Struct("<HHI16sI")


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One address of one interface (2.2.32.5). `link_speed` in bit/s. The port on the wire is reserved,
    always 0.
    """

    index: int
    address: IPv4Address | IPv6Address
    link_speed: int
    capability: int = InterfaceCapability.NONE

    def encode(self) -> bytes:
        """The 152 bytes, with Next = 0."""
        if isinstance(self.address, IPv4Address):
            sockaddr = _SOCKADDR_IN.pack(_AF_INET, 0, self.address.packed)
        else:
            sockaddr = _SOCKADDR_IN6.pack(
                _AF_INET6, 0, 0, self.address.packed, int(self.address.scope_id or 0)
            )
        return _INTERFACE.pack(0, self.index, self.capability, 0, self.link_speed, sockaddr)

    @classmethod
    def decode(cls, data: Buffer) -> NetworkInterface | None:
        """None for an address family that this codec does not know."""
        _, index, capability, _, speed, sockaddr = unpack_at(_INTERFACE, data, 0, "network interface info")
        family = int.from_bytes(sockaddr[:2], "little")
        address: IPv4Address | IPv6Address
        if family == _AF_INET:
            address = IPv4Address(_SOCKADDR_IN.unpack_from(sockaddr)[2])
        elif family == _AF_INET6:
            _, _, _, packed, scope = _SOCKADDR_IN6.unpack_from(sockaddr)
            address = IPv6Address(packed)
            if scope:
                address = IPv6Address(f"{address}%{scope}")
        else:
            return None
        return cls(index, address, speed, capability)


def encode_interfaces(interfaces: Sequence[NetworkInterface]) -> bytes:
    """The whole output of FSCTL_QUERY_NETWORK_INTERFACE_INFO: 152 bytes each, linked by Next."""
    output = bytearray()
    for position, interface in enumerate(interfaces):
        entry = interface.encode()
        last = position == len(interfaces) - 1
        output += (0 if last else len(entry)).to_bytes(4, "little") + entry[4:]
    return bytes(output)


def decode_interfaces(data: Buffer) -> tuple[NetworkInterface, ...]:
    """Entries of unknown families are left out. MalformedError: a Next that leads astray."""
    found: list[NetworkInterface] = []
    offset = 0
    while len(data):
        entry = slice_of(data, offset, _INTERFACE.size, "network interface info")
        interface = NetworkInterface.decode(entry)
        if interface is not None:
            found.append(interface)
        following = int.from_bytes(entry[:4], "little")
        if following == 0:
            break
        if following < _INTERFACE.size:
            raise MalformedError(f"network interface info: Next {following}")
        offset += following
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ValidateNegotiateRequest:
    """What the client remembers to have sent in its NEGOTIATE (2.2.31.4)."""

    capabilities: int
    client_guid: uuid.UUID
    security_mode: int
    dialects: tuple[int, ...]

    @classmethod
    def decode(cls, data: Buffer) -> ValidateNegotiateRequest:
        capabilities, guid, mode, count = unpack_at(_VALIDATE, data, 0, "VALIDATE_NEGOTIATE_INFO")
        raw = slice_of(data, _VALIDATE.size, 2 * count, "VALIDATE_NEGOTIATE_INFO dialects")
        dialects = tuple(int.from_bytes(raw[i : i + 2], "little") for i in range(0, 2 * count, 2))
        return cls(capabilities, uuid.UUID(bytes_le=guid), mode, dialects)

    def encode(self) -> bytes:
        head = _VALIDATE.pack(
            self.capabilities, self.client_guid.bytes_le, self.security_mode, len(self.dialects)
        )
        return head + b"".join(dialect.to_bytes(2, "little") for dialect in self.dialects)


@dataclass(frozen=True, slots=True)
class ValidateNegotiateResponse:
    capabilities: int
    server_guid: uuid.UUID
    security_mode: int
    dialect: int

    @classmethod
    def decode(cls, data: Buffer) -> ValidateNegotiateResponse:
        capabilities, guid, mode, dialect = unpack_at(
            _VALIDATE_RESPONSE, data, 0, "VALIDATE_NEGOTIATE_INFO response"
        )
        return cls(capabilities, uuid.UUID(bytes_le=guid), mode, dialect)

    def encode(self) -> bytes:
        return _VALIDATE_RESPONSE.pack(
            self.capabilities, self.server_guid.bytes_le, self.security_mode, self.dialect
        )
