"""How a file is opened, and opened again when all channels were lost (MS-SMB2 3.2.4.3, 3.2.4.4).

A plain value that outlives the open's FileId. Owns the CREATE and its contexts. Called by ``files``.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field

from server.client.lease import Lease
from server.wire.create import (
    FILE_GENERIC_READ,
    Attributes,
    CreateOptions,
    CreateRequest,
    Disposition,
    OplockLevel,
    ShareAccess,
)
from server.wire.create_contexts import (
    DURABLE_RECONNECT_V2,
    DURABLE_REQUEST_V2,
    CreateContext,
    DurableReconnectV2,
    DurableRequestV2,
)


def _new_guid() -> uuid.UUID:
    return uuid.UUID(bytes=os.urandom(16), version=4)


@dataclass(frozen=True, slots=True)
class Opening:
    """``path`` is relative to the share, with either slash. ``guid`` names this very open: should its answer be lost,
    the replay is told that it is already there. With a ``lease`` that lets the handle be kept, the open is durable.
    """

    path: str
    access: int = FILE_GENERIC_READ
    disposition: Disposition = Disposition.OPEN
    options: int = CreateOptions.NON_DIRECTORY_FILE
    share: int = ShareAccess.READ
    lease: Lease | None = None
    guid: uuid.UUID = field(default_factory=_new_guid)

    def request(self) -> CreateRequest:
        contexts = [CreateContext(DURABLE_REQUEST_V2, DurableRequestV2(self.guid).encode())]
        if self.lease is not None:
            contexts.append(self.lease.request())
        return self._create(self.disposition, contexts)

    def reconnect(self, file_id: bytes) -> CreateRequest:
        """The return to the durable open that had ``file_id`` in a session that is no more."""
        contexts = [CreateContext(DURABLE_RECONNECT_V2, DurableReconnectV2(file_id, self.guid).encode())]
        if self.lease is not None:
            contexts.append(self.lease.reclaim())
        return self._create(Disposition.OPEN, contexts)

    def _create(self, disposition: Disposition, contexts: list[CreateContext]) -> CreateRequest:
        return CreateRequest(
            name=self.path.replace("/", "\\").strip("\\"),
            desired_access=self.access,
            disposition=disposition,
            options=self.options,
            share_access=self.share,
            attributes=Attributes.NORMAL,
            oplock_level=OplockLevel.NONE if self.lease is None else OplockLevel.LEASE,
            contexts=tuple(contexts),
        )
