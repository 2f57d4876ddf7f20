"""QUERY_DIRECTORY (MS-SMB2 3.3.5.18, MS-FSA 2.1.5.6.3).

Owns the enumeration: a directory is read when it begins, and again when it has changed, and given out in pieces.
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
_TICK = 100_000_000
"""ns within which two changes may leave the same time on a directory."""
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
    listing, anew = opened.listing, bool(asked.flags & _ANEW)
    if listing is None or anew:
        kept = "" if listing is None or asked.flags & DirectoryFlags.REOPEN else listing.pattern
        return _begin(request, asked, opened, asked.pattern or kept)
    if listing.settled and opened.handle.stat().written == listing.written:
        return _piece(asked, listing, first=False)
    return _go_on(request, asked, opened, listing)


async def _begin(request: Request, asked: QueryDirectoryRequest, opened: Open, pattern: str) -> Reply:
    opened.listing = await on_thread(request, _listing, opened, pattern, request.core.clock())
    return _piece(asked, opened.listing, first=True)


async def _go_on(request: Request, asked: QueryDirectoryRequest, opened: Open, before: Listing) -> Reply:
    """The directory has changed since, or may have: what is there now of what comes after."""
    listing = await on_thread(request, _listing, opened, before.pattern, request.core.clock())
    if opened.listing is before:
        if before.position:
            last = before.entries[before.position - 1].name
            listing.position = sum(_order(entry.name) <= _order(last) for entry in listing.entries)
        opened.listing = listing
    return _piece(asked, opened.listing or listing, first=False)


def _listing(opened: Open, pattern: str, now: int) -> Listing:
    written = opened.handle.stat().written
    return Listing(pattern, _entries(opened, pattern), written=written, settled=now - written > _TICK)


def _order(name: str) -> tuple[bool, str]:
    """`.` and `..` come before all others."""
    return name not in (".", ".."), name


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
