"""QUERY_DIRECTORY (MS-SMB2 3.3.5.18, MS-FSA 2.1.5.6.3).

Owns the enumeration: a directory is read once, when it begins, and given out in pieces.
"""

from __future__ import annotations

from server.core import stats
from server.core.errors import StatusError
from server.core.names import pattern
from server.core.opens import Listing, Open
from server.core.request import Reply, Request, Result
from server.core.storage import on_thread
from server.wire.create import Access
from server.wire.directory_infos import DirectoryClass, DirectoryEntry, EntryList, encode_entry
from server.wire.query import DirectoryFlags, QueryDirectoryRequest, QueryResponse
from server.wire.status import NTSTATUS

_CLASSES = frozenset(DirectoryClass)
_ANEW = DirectoryFlags.RESTART_SCANS | DirectoryFlags.REOPEN


def query_directory(request: Request) -> Result:
    asked = QueryDirectoryRequest.decode(request.body)
    request.charge(0, asked.output_length)
    opened = request.need_file(asked.file_id)
    if asked.info_class not in _CLASSES:
        raise StatusError(NTSTATUS.INVALID_INFO_CLASS, f"directory class {asked.info_class}")
    if not opened.handle.directory:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "not a directory")
    opened.need(Access.READ_DATA)
    if asked.output_length > request.core.config.limits.max_io:
        raise StatusError(NTSTATUS.INVALID_PARAMETER, "output length")
    if opened.listing is None or asked.flags & DirectoryFlags.REOPEN:
        return _begin(request, asked, opened)
    if asked.flags & _ANEW:
        opened.listing.position = 0
        if asked.pattern and asked.pattern != opened.listing.pattern:
            return _begin(request, asked, opened)
    return _piece(asked, opened.listing, first=bool(asked.flags & _ANEW))


async def _begin(request: Request, asked: QueryDirectoryRequest, opened: Open) -> Reply:
    opened.listing = Listing(asked.pattern, await on_thread(request, _entries, opened, asked.pattern))
    return _piece(asked, opened.listing, first=True)


def _entries(opened: Open, wanted: str) -> list[DirectoryEntry]:
    match = pattern(wanted).fullmatch
    here = opened.handle.stat()
    # The parent of a directory is told as the directory itself: what is above a share is nobody's business.
    found = [stats.entry(name, here) for name in (".", "..") if match(name)]
    found += [stats.entry(name, stat) for name, stat in opened.handle.list() if match(name)]
    return found


def _piece(asked: QueryDirectoryRequest, listing: Listing, *, first: bool) -> Reply:
    output = EntryList(asked.output_length)
    while listing.position < len(listing.entries):
        if not output.add(encode_entry(listing.entries[listing.position], asked.info_class)):
            if not output:
                raise StatusError(NTSTATUS.INFO_LENGTH_MISMATCH, "no room for one entry")
            break
        listing.position += 1
        if asked.flags & DirectoryFlags.RETURN_SINGLE_ENTRY:
            break
    if not output:
        raise StatusError(NTSTATUS.NO_SUCH_FILE if first else NTSTATUS.NO_MORE_FILES)
    return Reply(QueryResponse(output.encode()).encode())
