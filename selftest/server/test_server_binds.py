"""In a network, with real processes, a bind has one result, however connections come to their process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from selftest.support.smb_lab import office

pytestmark = pytest.mark.timeout(120)

KNOWN = {
    "all alike": ["SUCCESS", "SUCCESS"],
    "AES_GMAC then AES_CMAC": ["REQUEST_OUT_OF_SEQUENCE", "SUCCESS"],
    "AES_CMAC then AES_GMAC": ["NOT_SUPPORTED", "SUCCESS"],
    "another dialect": ["INVALID_PARAMETER", "SUCCESS"],
    "no multichannel": ["REQUEST_NOT_ACCEPTED", "SUCCESS"],
    "another cipher": ["INVALID_PARAMETER", "SUCCESS"],
    "without_signature": ["INVALID_PARAMETER"],
    "with_a_wrong_signature": ["ACCESS_DENIED"],
    "no_such_session": ["USER_SESSION_DELETED"],
    "by_another_client": ["USER_SESSION_DELETED", "SUCCESS"],
    "twice": ["REQUEST_NOT_ACCEPTED", "SUCCESS", "ACCESS_DENIED"],
    "a_wrong_password_and_then_the_right_one": [
        *("LOGON_FAILURE", "ACCESS_DENIED", "USER_SESSION_DELETED", "SUCCESS", "SUCCESS"),
    ],
    "the_thirty_third": [*["SUCCESS"] * 31, "INSUFFICIENT_RESOURCES"],
    "after_the_log_off": ["SUCCESS", "USER_SESSION_DELETED", "SUCCESS"],
}


def test_by_client_and_by_session(tmp_path: Path) -> None:
    found = {}
    for plan in ("client", "session"):
        (tmp_path / plan).mkdir()
        with office(tmp_path / plan) as place:
            server = place.serve("--handover", plan)
            done = place.lab.run("laptop", [sys.executable, "-m", "selftest.support.smb_binds", "10.0.1.1"])
            assert done.returncode == 0, done.stderr
            found[plan] = {
                name: [status.removeprefix("STATUS_") for status in answers]
                for name, answers in json.loads(done.stdout).items()
            }
            server.says("channel-bound")
            assert " error " not in server.said
    assert {name: found["client"][name] for name in KNOWN} == KNOWN
    assert found["session"] == found["client"]
