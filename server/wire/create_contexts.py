"""Create contexts (MS-SMB2 2.2.13.2, 2.2.14.2): the list, and the contexts that this server or its client
use.
 Pure values. A context is a name of at least four bytes and raw data; the typed ones below are that data.
Several have other data in the response than in the request, under the same name.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Any

from server.wire.buffers import Buffer, align, padding, slice_of, unpack_at
from server.wire.errors import MalformedError

_ENTRY = Struct("<IHHHHI")
_DURABLE_V2 = Struct("<IIQ16s")
_DURABLE_V2_RESPONSE = Struct("<II")
_RECONNECT_V2 = Struct("<16s16sI")
_LEASE_V1 = Struct("<16sIIQ")
_LEASE_V2 = Struct("<16sIIQ16sHH")
_MAXIMAL_ACCESS = Struct("<II")
_DISK_ID = Struct("<QQ16s")
_APPLICATION = Struct("<HH16s")

DURABLE_REQUEST = b"DHnQ"
DURABLE_RECONNECT = b"DHnC"
DURABLE_REQUEST_V2 = b"DH2Q"
DURABLE_RECONNECT_V2 = b"DH2C"
REQUEST_LEASE = b"RqLs"
QUERY_MAXIMAL_ACCESS = b"MxAc"
QUERY_ON_DISK_ID = b"QFid"
ALLOCATION_SIZE = b"AlSi"
EXTENDED_ATTRIBUTES = b"ExtA"
SECURITY_DESCRIPTOR = b"SecD"
TIMEWARP = b"TWrp"
APP_INSTANCE_ID = bytes.fromhex("45BCA66AEFA7F74A9008FA462E144D74")
APP_INSTANCE_VERSION = bytes.fromhex("B982D0B73B56074FA07B524A8116A010")

LEASE_FLAG_PARENT_KEY = 4
DURABLE_FLAG_PERSISTENT = 2


@dataclass(frozen=True, slots=True)
class CreateContext:
    name: bytes
    data: bytes = b""


def decode_contexts(data: Buffer) -> tuple[CreateContext, ...]:
    """In their order. MalformedError: a chain, a name or data out of bounds, or a name too short."""
    contexts: list[CreateContext] = []
    offset = 0
    while len(data):
        following, name_offset, name_length, _, data_offset, data_length = unpack_at(
            _ENTRY, data, offset, "create context"
        )
        if name_length < 4 or following % 8:
            raise MalformedError(f"create context: NameLength {name_length}, Next {following}")
        end = offset + following if following else len(data)
        entry = slice_of(data, offset, end - offset, "create context")
        name = slice_of(entry, name_offset, name_length, "create context name")
        value = slice_of(entry, data_offset, data_length, "create context data")
        contexts.append(CreateContext(bytes(name), bytes(value)))
        if not following:
            break
        offset += following
    return tuple(contexts)


def encode_contexts(contexts: Iterable[CreateContext]) -> bytes:
    entries = []
    for context in contexts:
        data_offset = align(_ENTRY.size + len(context.name)) if context.data else 0
        head = (
            _ENTRY.pack(0, _ENTRY.size, len(context.name), 0, data_offset, len(context.data)) + context.name
        )
        entries.append(head + (padding(len(head)) + context.data if context.data else b""))
    output = bytearray()
    for position, entry in enumerate(entries):
        if position < len(entries) - 1:
            entry += padding(len(entry))
            entry = len(entry).to_bytes(4, "little") + entry[4:]
        output += entry
    return bytes(output)


def find(contexts: Iterable[CreateContext], name: bytes) -> bytes | None:
    """The data of the first context of that name."""
    for context in contexts:
        if context.name == name:
            return context.data
    return None


@dataclass(frozen=True, slots=True)
class DurableRequestV2:
    """DH2Q. `timeout` in ms, 0 for the server's default."""

    create_guid: uuid.UUID
    timeout: int = 0
    flags: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> DurableRequestV2:
        timeout, flags, _, guid = _exactly(_DURABLE_V2, data, "DH2Q")
        return cls(uuid.UUID(bytes_le=guid), timeout, flags)

    def encode(self) -> bytes:
        return _DURABLE_V2.pack(self.timeout, self.flags, 0, self.create_guid.bytes_le)


@dataclass(frozen=True, slots=True)
class DurableResponseV2:
    timeout: int
    flags: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> DurableResponseV2:
        return cls(*_exactly(_DURABLE_V2_RESPONSE, data, "DH2Q response"))

    def encode(self) -> bytes:
        return _DURABLE_V2_RESPONSE.pack(self.timeout, self.flags)


@dataclass(frozen=True, slots=True)
class DurableReconnectV2:
    file_id: bytes
    create_guid: uuid.UUID
    flags: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> DurableReconnectV2:
        file_id, guid, flags = _exactly(_RECONNECT_V2, data, "DH2C")
        return cls(file_id, uuid.UUID(bytes_le=guid), flags)

    def encode(self) -> bytes:
        return _RECONNECT_V2.pack(self.file_id, self.create_guid.bytes_le, self.flags)


@dataclass(frozen=True, slots=True)
class Lease:
    """RqLs both ways; `version` 1 (32 bytes) or 2 (52 bytes), which alone has `parent_key` and `epoch`."""

    key: bytes
    state: int
    flags: int = 0
    version: int = 1
    parent_key: bytes = bytes(16)
    epoch: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> Lease:
        if len(data) == _LEASE_V1.size:
            key, state, flags, _ = _LEASE_V1.unpack(data)
            return cls(key, state, flags)
        key, state, flags, _, parent_key, epoch, _ = _exactly(_LEASE_V2, data, "RqLs")
        return cls(key, state, flags, 2, parent_key, epoch)

    def encode(self) -> bytes:
        if self.version == 1:
            return _LEASE_V1.pack(self.key, self.state, self.flags, 0)
        return _LEASE_V2.pack(self.key, self.state, self.flags, 0, self.parent_key, self.epoch, 0)


@dataclass(frozen=True, slots=True)
class MaximalAccess:
    """MxAc response."""

    access: int
    status: int = 0

    @classmethod
    def decode(cls, data: Buffer) -> MaximalAccess:
        status, access = _exactly(_MAXIMAL_ACCESS, data, "MxAc response")
        return cls(access, status)

    def encode(self) -> bytes:
        return _MAXIMAL_ACCESS.pack(self.status, self.access)


@dataclass(frozen=True, slots=True)
class OnDiskId:
    """QFid response."""

    file_id: int
    volume_id: int

    @classmethod
    def decode(cls, data: Buffer) -> OnDiskId:
        file_id, volume_id, _ = _exactly(_DISK_ID, data, "QFid response")
        return cls(file_id, volume_id)

    def encode(self) -> bytes:
        return _DISK_ID.pack(self.file_id, self.volume_id, bytes(16))


@dataclass(frozen=True, slots=True)
class AppInstanceId:
    id: bytes

    @classmethod
    def decode(cls, data: Buffer) -> AppInstanceId:
        _, _, found = _exactly(_APPLICATION, data, "AppInstanceId")
        return cls(found)

    def encode(self) -> bytes:
        return _APPLICATION.pack(20, 0, self.id)


def _exactly(layout: Struct, data: Buffer, name: str) -> tuple[Any, ...]:
    if len(data) != layout.size:
        raise MalformedError(f"{name}: {len(data)} bytes, not {layout.size}")
    return layout.unpack(data)
