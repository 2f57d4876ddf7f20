"""QUERY_INFO (MS-SMB2 3.3.5.20): files, the file system, and a security descriptor.

Owns which information class is made from what, and what happens when it does not fit.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from server.core import stats
from server.core.commands import extended, protection
from server.core.errors import StatusError
from server.core.names import without_stream
from server.core.opens import Open
from server.core.request import Reply, Request
from server.ports.files import VolumeStat
from server.wire import file_infos as files
from server.wire import fs_infos as fs
from server.wire.create import Access
from server.wire.file_infos import FileClass
from server.wire.fs_infos import FsClass
from server.wire.negotiate import Dialect
from server.wire.query import InfoType, QueryInfoRequest, QueryResponse
from server.wire.short_names import short_name
from server.wire.status import NTSTATUS

_SECTOR = 512
_FS_ATTRIBUTES = (
    fs.CASE_PRESERVED_NAMES | fs.UNICODE_ON_DISK | fs.SPARSE_FILES | fs.PERSISTENT_ACLS | fs.NAMED_STREAMS
)


def query_info(request: Request) -> Reply:
    asked = QueryInfoRequest.decode(request.body)
    request.charge(len(asked.data), asked.output_length)
    opened = request.need_file(asked.file_id)
    if asked.output_length > request.core.config.limits.max_io:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "output length")
    if asked.info_type == InfoType.FILE:
        if asked.info_class == FileClass.FULL_EA:
            return _fit(asked, extended.query(opened, asked.data), 0)
        return _fit(asked, *_file(request, opened, asked.info_class))
    if asked.info_type == InfoType.FILESYSTEM:
        return _fit(asked, *_filesystem(request, opened, asked.info_class))
    if asked.info_type == InfoType.SECURITY:
        return _security(asked, opened)
    if asked.info_type == InfoType.QUOTA:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "quotas")
    raise StatusError(NTSTATUS.INVALID_PARAMETER, f"InfoType {asked.info_type}")


def _fit(asked: QueryInfoRequest, data: bytes, fixed: int) -> Reply:
    """`fixed` bytes must fit; of what follows, a name or a list, as much as there is room for."""
    if asked.output_length < fixed:
        raise StatusError(NTSTATUS.INFO_LENGTH_MISMATCH)
    if len(data) > asked.output_length:
        cut = data[: asked.output_length]
        return Reply(QueryResponse(cut).encode(), NTSTATUS.BUFFER_OVERFLOW)
    return Reply(QueryResponse(data).encode())


def _file(request: Request, opened: Open, info_class: int) -> tuple[bytes, int]:
    """The information and the length of its fixed part."""
    if info_class == FileClass.ALL:
        return _all(request, opened).encode(), 104
    if info_class == FileClass.NORMALIZED_NAME and request.connection.dialect != Dialect.SMB_3_1_1:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "normalized names before 3.1.1")
    if info_class == FileClass.ALTERNATE_NAME and without_stream(opened.path):
        return files.NameInformation(short_name(without_stream(opened.path)[-1])).encode(), 8
    if info_class in (FileClass.NAME, FileClass.NORMALIZED_NAME):
        name = opened.name if info_class == FileClass.NAME else opened.name[1:]
        return files.NameInformation(name).encode(), 8
    if info_class == FileClass.STREAM:
        return (data := _streams(opened)), min(len(data), 32)
    if info_class == FileClass.STANDARD:
        data = _standard_value(request, opened).encode()
        return data, len(data)
    make = _FIXED.get(info_class)
    if make is None:
        raise StatusError(NTSTATUS.INVALID_INFO_CLASS, f"file class {info_class}")
    data = make(opened)
    return data, len(data)


def _basic(opened: Open) -> bytes:
    opened.need(Access.READ_ATTRIBUTES)
    return stats.basic(opened.handle.stat()).encode()


def _standard_value(request: Request, opened: Open) -> files.StandardInformation:
    stat = opened.handle.stat()
    pending = request.core.table.look(opened.key).delete_pending
    return files.StandardInformation(
        stats.allocation(stat, opened.reserved),
        stat.size,
        max(stat.links - pending, 0),
        pending,
        stat.directory,
    )


def _network_open(opened: Open) -> bytes:
    opened.need(Access.READ_ATTRIBUTES)
    stat = opened.handle.stat()
    return files.NetworkOpenInformation(
        *stats.times(stat), stats.allocation(stat, opened.reserved), stat.size, stats.attributes(stat)
    ).encode()


def _all(request: Request, opened: Open) -> files.AllInformation:
    opened.need(Access.READ_ATTRIBUTES)
    stat = opened.handle.stat()
    return files.AllInformation(
        basic=stats.basic(stat),
        standard=_standard_value(request, opened),
        index=stat.number,
        ea_size=stat.extended,
        access=opened.access,
        position=opened.position,
        mode=_mode(opened),
        alignment=0,
        name=opened.name,
    )


def _streams(opened: Open) -> bytes:
    """Of the file, whichever of its streams it was opened by."""
    return files.encode_streams(
        [
            files.StreamInformation(f":{one.name}:$DATA", one.size, one.allocation)
            for one in opened.handle.streams()
        ]
    )


def _mode(opened: Open) -> int:
    return opened.options & 0x0000_103E  # the options that FileModeInformation knows (MS-FSCC 2.4.26)


_FIXED: Mapping[int, Callable[[Open], bytes]] = {
    FileClass.BASIC: _basic,
    FileClass.INTERNAL: lambda opened: files.SizeInformation(opened.handle.stat().number).encode(),
    FileClass.EA: lambda opened: files.NumberInformation(opened.handle.stat().extended).encode(),
    FileClass.ACCESS: lambda opened: files.NumberInformation(opened.access).encode(),
    FileClass.POSITION: lambda opened: files.SizeInformation(opened.position).encode(),
    FileClass.MODE: lambda opened: files.NumberInformation(_mode(opened)).encode(),
    FileClass.ALIGNMENT: lambda opened: files.NumberInformation(0).encode(),
    FileClass.COMPRESSION: lambda opened: files.CompressionInformation(opened.handle.stat().size).encode(),
    FileClass.NETWORK_OPEN: _network_open,
    FileClass.ATTRIBUTE_TAG: lambda opened: files.AttributeTagInformation(
        stats.attributes(opened.handle.stat())
    ).encode(),
    FileClass.ID: lambda opened: files.IdInformation(
        opened.handle.stat().device, opened.handle.stat().number
    ).encode(),
}


def _filesystem(request: Request, opened: Open, info_class: int) -> tuple[bytes, int]:
    share = opened.tree.share
    if share.volume is None:
        raise StatusError(NTSTATUS.INVALID_DEVICE_REQUEST, "no file system behind a pipe share")
    usage = share.volume.usage()
    if info_class == FsClass.VOLUME:
        return fs.VolumeInformation(share.config.name, usage.serial).encode(), 24
    if info_class == FsClass.ATTRIBUTE:
        return fs.AttributeInformation(_FS_ATTRIBUTES, usage.name_max, "NTFS").encode(), 16
    data = _fs_fixed(request, usage, info_class)
    return data, len(data)


def _fs_fixed(request: Request, usage: VolumeStat, info_class: int) -> bytes:
    unit = usage.block_size
    sectors = max(unit // _SECTOR, 1)
    if info_class == FsClass.SIZE:
        return fs.SizeInformation(usage.total // unit, usage.available // unit, sectors, _SECTOR).encode()
    if info_class == FsClass.FULL_SIZE:
        return fs.FullSizeInformation(
            usage.total // unit, usage.available // unit, usage.free // unit, sectors, _SECTOR
        ).encode()
    if info_class == FsClass.CONTROL:
        return fs.ControlInformation().encode()
    if info_class == FsClass.DEVICE:
        return fs.DeviceInformation().encode()
    if info_class == FsClass.OBJECT_ID:
        return fs.ObjectIdInformation(uuid.uuid5(request.core.server_guid, str(usage.serial))).encode()
    if info_class == FsClass.SECTOR_SIZE:
        return fs.SectorSizeInformation(_SECTOR, unit, fs.TRIM_ENABLED).encode()
    raise StatusError(NTSTATUS.INVALID_INFO_CLASS, f"file system class {info_class}")


def _security(asked: QueryInfoRequest, opened: Open) -> Reply:
    data = protection.query(opened, asked.additional)
    if len(data) > asked.output_length:
        raise StatusError(NTSTATUS.BUFFER_TOO_SMALL, data=len(data).to_bytes(4, "little"))
    return Reply(QueryResponse(data).encode())
