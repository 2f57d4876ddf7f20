"""CREATE (MS-SMB2 2.2.13, 2.2.14) and the bits that opens are described with (MS-SMB2 2.2.13.1, MS-FSCC 2.6).

Pure values. The create contexts are in `server.wire.create_contexts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from server.wire.buffers import HEADER_SIZE, Buffer, padding, payload, text, unpack, utf16
from server.wire.create_contexts import CreateContext, decode_contexts, encode_contexts

_REQUEST = Struct("<HBBIQQIIIIIHHII")
_RESPONSE = Struct("<HBBIQQQQQQII16sII")


class OplockLevel(IntEnum):
    NONE = 0x00
    II = 0x01
    EXCLUSIVE = 0x08
    BATCH = 0x09
    LEASE = 0xFF


class Disposition(IntEnum):
    SUPERSEDE = 0
    OPEN = 1
    CREATE = 2
    OPEN_IF = 3
    OVERWRITE = 4
    OVERWRITE_IF = 5


class CreateAction(IntEnum):
    SUPERSEDED = 0
    OPENED = 1
    CREATED = 2
    OVERWRITTEN = 3


class CreateOptions(IntEnum):
    DIRECTORY_FILE = 0x0000_0001
    WRITE_THROUGH = 0x0000_0002
    SEQUENTIAL_ONLY = 0x0000_0004
    NO_INTERMEDIATE_BUFFERING = 0x0000_0008
    SYNCHRONOUS_IO_ALERT = 0x0000_0010
    SYNCHRONOUS_IO_NONALERT = 0x0000_0020
    NON_DIRECTORY_FILE = 0x0000_0040
    COMPLETE_IF_OPLOCKED = 0x0000_0100
    NO_EA_KNOWLEDGE = 0x0000_0200
    RANDOM_ACCESS = 0x0000_0800
    DELETE_ON_CLOSE = 0x0000_1000
    OPEN_BY_FILE_ID = 0x0000_2000
    OPEN_FOR_BACKUP_INTENT = 0x0000_4000
    NO_COMPRESSION = 0x0000_8000
    OPEN_REPARSE_POINT = 0x0020_0000
    OPEN_NO_RECALL = 0x0040_0000


class ShareAccess(IntEnum):
    READ = 1
    WRITE = 2
    DELETE = 4


class Access(IntEnum):
    """Access mask of files and directories (2.2.13.1)."""

    READ_DATA = 0x0000_0001
    WRITE_DATA = 0x0000_0002
    APPEND_DATA = 0x0000_0004
    READ_EA = 0x0000_0008
    WRITE_EA = 0x0000_0010
    EXECUTE = 0x0000_0020
    DELETE_CHILD = 0x0000_0040
    READ_ATTRIBUTES = 0x0000_0080
    WRITE_ATTRIBUTES = 0x0000_0100
    DELETE = 0x0001_0000
    READ_CONTROL = 0x0002_0000
    WRITE_DAC = 0x0004_0000
    WRITE_OWNER = 0x0008_0000
    SYNCHRONIZE = 0x0010_0000
    SYSTEM_SECURITY = 0x0100_0000
    MAXIMUM_ALLOWED = 0x0200_0000
    GENERIC_ALL = 0x1000_0000
    GENERIC_EXECUTE = 0x2000_0000
    GENERIC_WRITE = 0x4000_0000
    GENERIC_READ = 0x8000_0000


FILE_GENERIC_READ = 0x0012_0089
FILE_GENERIC_WRITE = 0x0012_0116
FILE_GENERIC_EXECUTE = 0x0012_00A0
FILE_ALL_ACCESS = 0x001F_01FF


class Attributes(IntEnum):
    """File attributes (MS-FSCC 2.6)."""

    READONLY = 0x0001
    HIDDEN = 0x0002
    SYSTEM = 0x0004
    DIRECTORY = 0x0010
    ARCHIVE = 0x0020
    NORMAL = 0x0080
    TEMPORARY = 0x0100
    SPARSE_FILE = 0x0200
    REPARSE_POINT = 0x0400
    COMPRESSED = 0x0800
    OFFLINE = 0x1000
    NOT_CONTENT_INDEXED = 0x2000
    ENCRYPTED = 0x4000


@dataclass(slots=True)
class CreateRequest:
    """`name` counts from the share, with backslashes. Enumerations stay numbers: the server judges. Never changed;
    not frozen, since every open makes one.
    """

    name: str
    desired_access: int = FILE_GENERIC_READ
    disposition: int = Disposition.OPEN
    options: int = 0
    share_access: int = 7
    attributes: int = 0
    oplock_level: int = OplockLevel.NONE
    impersonation: int = 2
    contexts: tuple[CreateContext, ...] = ()

    @classmethod
    def decode(cls, body: Buffer) -> CreateRequest:
        (
            _,
            _,
            oplock,
            impersonation,
            _,
            _,
            access,
            attributes,
            share,
            disposition,
            options,
            name_offset,
            name_length,
            context_offset,
            context_length,
        ) = unpack(_REQUEST, body, 57, "CREATE request")
        name = text(payload(body, name_offset, name_length, _REQUEST.size, "CREATE name"), "CREATE name")
        contexts: tuple[CreateContext, ...] = ()
        if context_length:
            raw = payload(body, context_offset, context_length, _REQUEST.size, "CREATE contexts")
            contexts = decode_contexts(raw)
        return cls(
            name,
            access,
            disposition,
            options,
            share,
            attributes,
            oplock,
            impersonation,
            contexts,
        )

    def encode(self) -> bytes:
        name = utf16(self.name)
        contexts = encode_contexts(self.contexts)
        offset = HEADER_SIZE + _REQUEST.size
        end = offset + len(name)
        gap = padding(end) if contexts else b""
        head = _REQUEST.pack(
            57,
            0,
            self.oplock_level,
            self.impersonation,
            0,
            0,
            self.desired_access,
            self.attributes,
            self.share_access,
            self.disposition,
            self.options,
            offset,
            len(name),
            end + len(gap) if contexts else 0,
            len(contexts),
        )
        return head + (name + gap + contexts or b"\0")


@dataclass(slots=True)
class CreateResponse:
    """Times as FILETIME, sizes in bytes, `file_id` the 16 bytes (persistent, volatile). Never changed either."""

    file_id: bytes
    action: int = CreateAction.OPENED
    oplock_level: int = OplockLevel.NONE
    flags: int = 0
    creation_time: int = 0
    last_access_time: int = 0
    last_write_time: int = 0
    change_time: int = 0
    allocation_size: int = 0
    end_of_file: int = 0
    attributes: int = 0
    contexts: tuple[CreateContext, ...] = ()

    @classmethod
    def decode(cls, body: Buffer) -> CreateResponse:
        (
            _,
            oplock,
            flags,
            action,
            creation,
            access,
            write,
            change,
            allocation,
            end_of_file,
            attributes,
            _,
            file_id,
            offset,
            length,
        ) = unpack(_RESPONSE, body, 89, "CREATE response")
        contexts = decode_contexts(payload(body, offset, length, _RESPONSE.size, "CREATE response contexts"))
        return cls(
            file_id,
            action,
            oplock,
            flags,
            creation,
            access,
            write,
            change,
            allocation,
            end_of_file,
            attributes,
            contexts,
        )

    def encode(self) -> bytes:
        contexts = encode_contexts(self.contexts) if self.contexts else b""
        head = _RESPONSE.pack(
            89,
            self.oplock_level,
            self.flags,
            self.action,
            self.creation_time,
            self.last_access_time,
            self.last_write_time,
            self.change_time,
            self.allocation_size,
            self.end_of_file,
            self.attributes,
            0,
            self.file_id,
            HEADER_SIZE + _RESPONSE.size if contexts else 0,
            len(contexts),
        )
        return head + contexts
