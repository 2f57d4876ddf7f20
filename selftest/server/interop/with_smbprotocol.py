"""smbprotocol as a client, through its own low and high levels: python with_smbprotocol.py ADDRESS PORT."""

from __future__ import annotations

import os
import sys

import smbclient
from smbprotocol.exceptions import SMBOSError, SMBResponseException
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FileAttributes,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    ShareAccess,
)
from smbprotocol.tree import TreeConnect

ADDRESS, PORT = sys.argv[1], int(sys.argv[2])
SHARE = f"\\\\{ADDRESS}\\data"
FILM = os.urandom(3_000_000)


def high_level() -> None:
    """As the library's users do: files, directories, names, metadata, errors."""
    smbclient.mkdir(f"{SHARE}\\sub", port=PORT)
    with smbclient.open_file(f"{SHARE}\\sub\\film", mode="wb", port=PORT) as file:
        file.write(FILM)
    with smbclient.open_file(f"{SHARE}\\sub\\film", mode="rb", port=PORT) as file:
        assert file.read() == FILM
    assert smbclient.stat(f"{SHARE}\\sub\\film", port=PORT).st_size == len(FILM)
    smbclient.rename(f"{SHARE}\\sub\\film", f"{SHARE}\\moved", port=PORT)
    assert sorted(smbclient.listdir(SHARE, port=PORT)) == ["moved", "sub"]
    assert [
        entry.is_dir() for entry in sorted(smbclient.scandir(SHARE, port=PORT), key=lambda e: e.name)
    ] == [
        False,
        True,
    ]
    smbclient.remove(f"{SHARE}\\moved", port=PORT)
    smbclient.rmdir(f"{SHARE}\\sub", port=PORT)
    try:
        smbclient.stat(f"{SHARE}\\moved", port=PORT)
    except SMBOSError as error:
        assert "0xc0000034" in str(error), error
    else:
        raise AssertionError("it should be gone")


def compound(encrypt: bool) -> None:
    """Several requests in one message, which is how the library itself works underneath."""
    session = smbclient.register_session(
        ADDRESS, username="alice", password="secret", port=PORT, encrypt=encrypt
    )
    assert session.encrypt_data is encrypt
    tree = TreeConnect(session, SHARE)
    tree.connect()
    try:
        file = Open(tree, "compound")
        create = file.create(
            ImpersonationLevel.Impersonation,
            FilePipePrinterAccessMask.FILE_READ_DATA
            | FilePipePrinterAccessMask.FILE_WRITE_DATA
            | FilePipePrinterAccessMask.DELETE,
            FileAttributes.FILE_ATTRIBUTE_NORMAL,
            ShareAccess.FILE_SHARE_READ,
            CreateDisposition.FILE_OVERWRITE_IF,
            CreateOptions.FILE_NON_DIRECTORY_FILE | CreateOptions.FILE_DELETE_ON_CLOSE,
            send=False,
        )
        write = file.write(b"all in one", 0, send=False)
        read = file.read(0, 100, send=False)
        close = file.close(False, send=False)
        steps = (create, write, read, close)
        requests = tree.session.connection.send_compound(
            [message for message, _ in steps],
            sid=session.session_id,
            tid=tree.tree_connect_id,
            related=True,
        )
        answers = [take(request) for (_, take), request in zip(steps, requests, strict=True)]
        assert answers[2] == b"all in one", answers
        try:
            Open(tree, "compound").create(
                ImpersonationLevel.Impersonation,
                FilePipePrinterAccessMask.FILE_READ_DATA,
                FileAttributes.FILE_ATTRIBUTE_NORMAL,
                0,
                CreateDisposition.FILE_OPEN,
                0,
            )
        except SMBResponseException as error:
            assert error.status == 0xC0000034, error
        else:
            raise AssertionError("it should be gone")
    finally:
        tree.disconnect()


smbclient.ClientConfig(username="alice", password="secret", require_secure_negotiate=True)
high_level()
compound(encrypt=False)
smbclient.reset_connection_cache()
compound(encrypt=True)
smbclient.reset_connection_cache()
