"""A server.toml says all that flags can, and every mistake in it is told with file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from server import accounts
from server.cli import config_from, parser
from server.config import (
    CIPHERS,
    ClusterConfig,
    Encryption,
    Limits,
    NodeConfig,
    ServerConfig,
    ShareConfig,
    UserConfig,
)
from server.settings import SettingsError, load

HASH = "878d8014606cda29677a44efa1353fc7"
WHOLE = """\
port = 1445
addresses = ["127.0.0.1", "::1"]
name = "FILES"
workers = 3
users = "users"
signing = "enabled"
encryption = "required"
ciphers = ["AES-256-GCM", "AES-128-GCM"]
anonymous = true
guests = true

[shares.data]
path = "data"
comment = "all of it"
encrypt = true

[shares."public things"]
path = "."
guests = true

[limits]
max_sessions = 10
session_time = 36000
"""
CLUSTER = """\
[cluster]
node = "a"
secret = "secret"
public = ["10.0.1.10"]
[cluster.nodes]
a = "10.0.1.1:4379"
b = "[fd00::2]:4379"
"""


def written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "data").mkdir(exist_ok=True)
    accounts.write(tmp_path / "users", [UserConfig("alice", HASH)])
    (tmp_path / "secret").touch(0o600)
    (tmp_path / "secret").write_text("known to the nodes alone\n")
    path = tmp_path / "server.toml"
    path.write_text(text)
    return path


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    assert load(written(tmp_path, WHOLE)) == ServerConfig(
        port=1445,
        addresses=("127.0.0.1", "::1"),
        shares=(
            ShareConfig("data", str(tmp_path / "data"), "all of it", encrypt=True),
            ShareConfig("public things", str(tmp_path), guests=True),
        ),
        users=(UserConfig("alice", HASH),),
        workers=3,
        server_name="FILES",
        signing_required=False,
        encryption=Encryption.REQUIRED,
        ciphers=("AES-256-GCM", "AES-128-GCM"),
        anonymous=True,
        guests=True,
        limits=Limits(max_sessions=10, session_time=36000),
    )


def test_a_cluster(tmp_path: Path) -> None:
    config = load(written(tmp_path, CLUSTER))
    assert config.cluster == ClusterConfig(
        "a",
        (NodeConfig("a", "10.0.1.1", 4379), NodeConfig("b", "fd00::2", 4379)),
        "known to the nodes alone",
        ("10.0.1.10",),
    )
    assert "known" not in repr(config)
    assert ServerConfig.from_json(config.to_json()) == config
    flags = ["--cluster", "a", "--node", "a=10.0.1.1:4379", "--node", "b=[fd00::2]:4379"]
    flags += ["--public", "10.0.1.10", "--cluster-secret", str(tmp_path / "secret")]
    assert config_from(parser(), [*flags, "--share", f"data={tmp_path}"]).cluster == config.cluster


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, CLUSTER)
    (tmp_path / "secret").chmod(0o640)
    with pytest.raises(SettingsError, match="others may read it"):
        load(path)


def test_what_is_not_said_is_as_ever(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == ServerConfig()


def test_flags_come_first(tmp_path: Path) -> None:
    path = written(tmp_path, WHOLE)
    flags = ["--config", str(path), "--port", "2445", "--user", "bob%secret", "--encryption", "off"]
    config = config_from(parser(), [*flags, "--share", f"more={tmp_path}"])
    assert (config.port, config.encryption, config.workers) == (2445, Encryption.OFF, 3)
    assert [user.name for user in config.users] == ["alice", "bob"]
    assert [share.name for share in config.shares] == ["data", "public things", "more"]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("port = 445\nsigned = true\n", 2, "signed: no such key; did you mean signing?"),
        ("\nport = 70000\n", 2, "port: not a number from 1 to 65535"),
        ("port = true\n", 1, "port: not a number"),
        ('signing = "maybe"\n', 1, "signing: not one of required, enabled"),
        ('ciphers = ["AES-128-GCM",\n  "DES"]\n', 1, f"DES is not one of {', '.join(CIPHERS)}"),
        ("guests = 1\n", 1, "guests: not true or false"),
        ("[shares.data]\n", 1, "shares.data: needs a path"),
        ('[shares.data]\n[shares.x]\npath = "nowhere"\n', 1, "needs a path"),
        ('[shares.x]\n\npath = "nowhere"\n', 3, "is no directory"),
        ('[shares.x]\npath = "."\nencrypted = true\n', 3, "did you mean encrypt?"),
        ("[limits]\nmax_opens = 1\nmax_open = 1\n", 3, "did you mean max_opens?"),
        ("[limits]\nbreak_time = -1\n", 2, "not a number of seconds"),
        ('users = "nobody"\n', 1, "No such file"),
        ('handover = "never"\n', 1, "not one of client, session"),
        ('[cluster]\nnode = "a"\n', 1, "cluster: needs nodes, secret"),
        ('[cluster]\nnode = "a"\nnods = 1\n', 3, "did you mean nodes?"),
        (f'{CLUSTER}c = "10.0.1.1"\n', 1, "node c: '10.0.1.1' is not ADDRESS:PORT"),
        (CLUSTER.replace('node = "a"', 'node = "x"'), 1, "'x' is none of the nodes a, b"),
        (
            CLUSTER.replace("public = [", 'public = ["nowhere", '),
            1,
            "'nowhere' does not appear to be an IPv4",
        ),
        (f'handover = "session"\n{CLUSTER}', 1, "the nodes of a cluster hand over by client"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SettingsError, match=f"^{re.escape(str(path))}:{line}: .*{re.escape(says)}"):
        load(path)


@pytest.mark.parametrize("text", ["port 445\n", "port = \n", "a = 1\na = 2\n"])
def test_what_is_not_toml_is_told_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"server\.toml: .*\(at (line|end)"):
        load(written(tmp_path, text))


def test_a_file_that_is_not_there_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        config_from(parser(), ["--config", str(tmp_path / "none.toml")])
    assert ended.value.code == 2
    assert "none.toml: No such file" in capsys.readouterr().err


def test_what_the_readme_shows_is_true(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "server" / "README.md").read_text()
    text, cluster = re.findall(r"```toml\n(.*?)```", readme, re.DOTALL)
    config = load(written(tmp_path, text.replace("/srv/data", "data")))
    told = ServerConfig(
        addresses=("10.0.1.1",), server_name="FILES", users=config.users, shares=config.shares
    )
    assert config == told, "but for what it has to name, it shows the defaults"
    shown = load(written(tmp_path, cluster.replace("cluster.secret", "secret"))).cluster
    assert shown is not None
    assert (shown.own.port, shown.public) == (4379, ("10.0.1.10",))
