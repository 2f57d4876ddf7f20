"""IOCTL (MS-SMB2 3.3.5.15): the control codes that multichannel lives on, that of pipes, and those of files, which
are in `copychunk` and `sparse`; the rest is refused as Windows does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from ipaddress import ip_address

from server.core import pipes
from server.core.commands import copychunk, sparse, torture
from server.core.errors import DisconnectError, StatusError
from server.core.interface_list import advertised
from server.core.opens import Open
from server.core.request import Reply, Request, Result
from server.wire.errors import WireError
from server.wire.ioctl import (
    FLAG_IS_FSCTL,
    NO_FILE,
    ControlCode,
    IoctlRequest,
    IoctlResponse,
    ValidateNegotiateRequest,
    ValidateNegotiateResponse,
    encode_interfaces,
)
from server.wire.negotiate import Dialect, SecurityMode
from server.wire.status import NTSTATUS

_VALIDATE_SIZE = 24
_SERVED = (Dialect.SMB_3_1_1, Dialect.SMB_3_0_2, Dialect.SMB_3_0, Dialect.SMB_2_1, Dialect.SMB_2_0_2)


def ioctl(request: Request) -> Result:
    asked = IoctlRequest.decode(request.body)
    request.charge(len(asked.data) + asked.max_input, asked.max_output)
    if asked.flags != FLAG_IS_FSCTL:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "an IOCTL that is no FSCTL")
    if torture.serves(request, asked):
        return torture.act(request, asked)
    request.need_session()
    if asked.code == ControlCode.QUERY_NETWORK_INTERFACE_INFO:
        return _interfaces(request, asked)
    if asked.code == ControlCode.VALIDATE_NEGOTIATE_INFO:
        return _validate(request, asked)
    if asked.code in (ControlCode.DFS_GET_REFERRALS, ControlCode.DFS_GET_REFERRALS_EX):
        raise StatusError(NTSTATUS.FS_DRIVER_REQUIRED, "no DFS")
    opened = request.need_file(asked.file_id)
    act = _OF_FILES.get(asked.code)
    if act is None or (opened.tree.share.volume is None) is not (asked.code == ControlCode.PIPE_TRANSCEIVE):
        raise StatusError(NTSTATUS.INVALID_DEVICE_REQUEST, f"FSCTL 0x{asked.code:08x}")
    return act(request, asked, opened)


def _transceive(request: Request, asked: IoctlRequest, opened: Open) -> Reply:
    output, more = pipes.transceive(opened, memoryview(asked.data), asked.max_output)
    status = NTSTATUS.BUFFER_OVERFLOW if more else NTSTATUS.SUCCESS
    return Reply(IoctlResponse(asked.code, asked.file_id, output).encode(), status)


def _object_id(request: Request, asked: IoctlRequest, opened: Open) -> Reply:
    """FILE_OBJECTID_BUFFER: an id that the file keeps, made of what names it on this machine (MS-FSCC 2.1.3.1)."""
    stat = opened.handle.stat()
    own = uuid.uuid5(request.core.server_guid, f"{stat.device}/{stat.inode}").bytes_le
    volume = uuid.uuid5(request.core.server_guid, str(stat.device)).bytes_le
    output = own + volume + own + bytes(16)
    if len(output) > asked.max_output:
        raise StatusError(NTSTATUS.BUFFER_TOO_SMALL)
    return Reply(IoctlResponse(asked.code, opened.file_id, output).encode())


def _interfaces(request: Request, asked: IoctlRequest) -> Reply:
    if not request.connection.multichannel:
        raise StatusError(NTSTATUS.NOT_SUPPORTED, "multichannel was not negotiated")
    if asked.file_id != NO_FILE:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "a FileId")
    config = request.core.config
    public = [ip_address(address) for address in config.cluster.public] if config.cluster is not None else []
    output = encode_interfaces(advertised(request.core.interfaces.query(), config.rdma, public))
    if len(output) > asked.max_output:
        raise StatusError(NTSTATUS.BUFFER_TOO_SMALL)
    return Reply(IoctlResponse(asked.code, NO_FILE, output).encode())


def _validate(request: Request, asked: IoctlRequest) -> Reply:
    """Compare with what NEGOTIATE carried; if that was tampered with, the connection ends (3.3.5.15.12)."""
    connection = request.connection
    try:
        told = ValidateNegotiateRequest.decode(asked.data)
    except WireError as error:
        raise DisconnectError(str(error)) from error
    chosen = next((known for known in _SERVED if known in told.dialects), None)
    if (
        connection.dialect is Dialect.SMB_3_1_1
        or asked.max_output < _VALIDATE_SIZE
        or chosen is not connection.dialect
        or told.capabilities != connection.client_capabilities
        or told.client_guid != connection.client_guid
        or told.security_mode != connection.client_security_mode
    ):
        raise DisconnectError("VALIDATE_NEGOTIATE_INFO tells of another NEGOTIATE")
    mode: int = SecurityMode.SIGNING_ENABLED
    if request.core.config.signing_required:
        mode |= SecurityMode.SIGNING_REQUIRED
    response = ValidateNegotiateResponse(
        connection.capabilities, request.core.server_guid, mode, connection.dialect or 0
    )
    return Reply(IoctlResponse(asked.code, NO_FILE, response.encode()).encode())


_OF_FILES: Mapping[int, Callable[[Request, IoctlRequest, Open], Result]] = {
    ControlCode.CREATE_OR_GET_OBJECT_ID: _object_id,
    ControlCode.PIPE_TRANSCEIVE: _transceive,
    ControlCode.SRV_REQUEST_RESUME_KEY: copychunk.resume_key,
    ControlCode.SRV_COPYCHUNK: copychunk.copy,
    ControlCode.SRV_COPYCHUNK_WRITE: copychunk.copy,
    ControlCode.SET_SPARSE: sparse.set_sparse,
    ControlCode.QUERY_ALLOCATED_RANGES: sparse.query_ranges,
    ControlCode.SET_ZERO_DATA: sparse.zero_data,
    ControlCode.FILE_LEVEL_TRIM: sparse.trim,
    ControlCode.GET_COMPRESSION: sparse.get_compression,
    ControlCode.SET_COMPRESSION: sparse.set_compression,
}
