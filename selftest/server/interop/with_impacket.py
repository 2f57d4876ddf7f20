"""impacket's SMBConnection as a client, in a dialect of its own: python with_impacket.py ADDRESS PORT DIALECT."""

from __future__ import annotations

import io
import os
import sys

from impacket.smbconnection import SessionError, SMBConnection

ADDRESS, PORT, DIALECT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3], 16)
FILM = os.urandom(1_500_000)

connection = SMBConnection(ADDRESS, ADDRESS, sess_port=PORT, preferredDialect=DIALECT, timeout=30)
assert connection.getDialect() == DIALECT
try:
    connection.login("alice", "wrong")
except SessionError as error:
    assert error.getErrorCode() == 0xC000006D, error
else:
    raise AssertionError("a wrong password")
connection.close()

connection = SMBConnection(ADDRESS, ADDRESS, sess_port=PORT, preferredDialect=DIALECT, timeout=30)
connection.login("alice", "secret")
shares = {share["shi1_netname"][:-1] for share in connection.listShares()}
assert {"data", "IPC$"} <= shares, shares

connection.createDirectory("data", "sub")
connection.putFile("data", "sub\\film", io.BytesIO(FILM).read)
back = io.BytesIO()
connection.getFile("data", "sub\\film", back.write)
assert back.getvalue() == FILM
connection.rename("data", "sub\\film", "moved")
names = {entry.get_longname(): entry for entry in connection.listPath("data", "*")}
assert names.keys() == {".", "..", "sub", "moved"}, names.keys()
assert names["sub"].is_directory()
assert names["moved"].get_filesize() == len(FILM)

tree = connection.connectTree("data")
file = connection.openFile(tree, "moved")
connection.writeFile(tree, file, b"over", offset=10)
assert connection.readFile(tree, file, 8, 8) == FILM[8:10] + b"over" + FILM[14:16]
connection.closeFile(tree, file)

connection.deleteFile("data", "moved")
connection.deleteDirectory("data", "sub")
try:
    connection.deleteFile("data", "moved")
except SessionError as error:
    assert error.getErrorCode() == 0xC0000034, error
else:
    raise AssertionError("it should be gone")
connection.logoff()
