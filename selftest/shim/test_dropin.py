"""Who uses libsocket_wrapper loads libswrap.so in its place: SOCKET_WRAPPER_* mean what they mean there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from selftest.support.dropin import Dropin, namespace
from selftest.support.service import installed, out
from swrap.abi.paths import libswrap

PYTHON = "/usr/bin/python3"
"""One that others may run as well."""

ECHO = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.create_server((sys.argv[1], 7000), family=family)
print("ready", flush=True)
while True:
    stream, peer = listener.accept()
    stream.sendall(f"{listener.getsockname()[0]} {stream.getsockname()[0]} {peer[0]}".encode())
    stream.close()
"""

ASK = """
import os, socket, sys
try:
    stream = socket.create_connection((sys.argv[1], 7000))
    print(stream.recv(200).decode(), stream.getsockname()[0], stream.getpeername()[0])
except OSError as error:
    print(os.strerror(error.errno))
"""

SAME = """
import ctypes, os, socket
os.environ["SOCKET_WRAPPER_DEFAULT_IFACE"] = "7"
def tell(what, call):
    try:
        print(what, call())
    except OSError as error:
        print(what, os.strerror(error.errno))
def no_port(address):
    return address[0]
wild = socket.socket()
tell("bind", lambda: wild.bind(("0.0.0.0", 80)))
tell("name", wild.getsockname)
wild.listen()
tell("listening", wild.getsockname)
os.environ["SOCKET_WRAPPER_DEFAULT_IFACE"] = "8"
near = socket.socket()
tell("connect", lambda: near.connect((NET + "7", 80)))
tell("own", lambda: no_port(near.getsockname()))
tell("peer", near.getpeername)
far, peer = wild.accept()
tell("accepted", far.getsockname)
print("from", peer[0], far.getpeername()[0])
for nowhere in ("8.8.8.8", "10.1.2.3", "0.0.0.1"):
    tell("unreachable", lambda: socket.socket().connect((nowhere, 80)))
tell("bind", lambda: socket.socket().bind(("8.8.8.8", 80)))
other = socket.socket()
tell("bind another's", lambda: other.bind((NET + "33", 81)))
tell("name", other.getsockname)
six = socket.socket(socket.AF_INET6)
tell("bind6", lambda: six.bind(("::", 82)))
six.listen()
os.environ["SOCKET_WRAPPER_DEFAULT_IFACE"] = "64"
near6 = socket.socket(socket.AF_INET6)
tell("connect6", lambda: near6.connect(("fd00::5357:5f08", 82)))
tell("own6", lambda: no_port(near6.getsockname()))
tell("accepted6", lambda: six.accept()[1][0])
one, two = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
tell("bind UDP", lambda: one.bind(("0.0.0.0", 53)))
tell("name", one.getsockname)
tell("send", lambda: two.sendto(b"question", (NET + "64", 53)))
tell("receive", lambda: (lambda data, peer: (data, peer[0]))(*one.recvfrom(100)))
tell("send back", lambda: one.sendto(b"answer", (NET + "64", two.getsockname()[1])))
tell("receive back", lambda: two.recvfrom(100))
loaded = ctypes.CDLL(None)
loaded.socket_wrapper_enabled.restype = ctypes.c_bool
print("enabled", loaded.socket_wrapper_enabled())
loaded.socket_wrapper_indicate_no_inet_fd(near.fileno())
loaded.socket_wrapper_indicate_no_inet_fd(-1)
del os.environ["SOCKET_WRAPPER_DIR"]
print("enabled", loaded.socket_wrapper_enabled())
"""


@pytest.fixture(scope="module")
def prefix() -> Iterator[tuple[str, ...]]:
    with namespace() as prefix:
        yield prefix


@pytest.fixture
def net(prefix: tuple[str, ...], tmp_path: Path) -> Dropin:
    """A network whose directory exists, and is empty."""
    (tmp_path / "net").mkdir()
    return Dropin(prefix, tmp_path / "net")


def python(net: Dropin, code: str, *arguments: str, iface: int = 1, **more: str) -> str:
    """What a Python program writes."""
    return out(net.run(PYTHON, "-c", code, *arguments, iface=iface, **more))


@pytest.mark.parametrize(
    ("network", "server"), [("127.0.0.0", "127.0.0."), ("10.53.57.0", "10.53.57."), ("", "127.0.0.")]
)
@pytest.mark.parametrize(("at", "client"), [(9, 3), (1, 254), (254, 254)])
def test_wildcard_listeners_and_unbound_connects_have_the_default_interface(
    net: Dropin, network: str, server: str, at: int, client: int
) -> None:
    with net.start(PYTHON, "-c", ECHO, "0.0.0.0", iface=at, SOCKET_WRAPPER_IPV4_NETWORK=network) as echo:
        echo.says("ready")
        said = python(net, ASK, f"{server}{at}", iface=client, SOCKET_WRAPPER_IPV4_NETWORK=network)
    assert said.split() == [
        "0.0.0.0",
        f"{server}{at}",
        f"{server}{client}",
        f"{server}{client}",
        f"{server}{at}",
    ]


def test_both_ipv4_networks_are_one_and_ipv6_has_the_number_in_hex(net: Dropin) -> None:
    with net.start(PYTHON, "-c", ECHO, "127.0.0.250") as echo:
        echo.says("ready")
        said = python(net, ASK, "10.53.57.250", iface=5, SOCKET_WRAPPER_IPV4_NETWORK="10.53.57.0")
        assert said.split() == ["127.0.0.250", "127.0.0.250", "127.0.0.5", "10.53.57.5", "10.53.57.250"]
    with net.start(PYTHON, "-c", ECHO, "::", iface=250) as echo:
        echo.says("ready")
        said = python(net, ASK, "fd00::5357:5ffa", iface=16)
        server, client = "fd00::5357:5ffa", "fd00::5357:5f10"
        assert said.split() == ["::", server, client, client, server]


def test_curl_fetches_from_http_server(net: Dropin) -> None:
    curl = installed("curl", "curl")
    (net.directory / "page").write_text("hello")
    words = ("-m", "http.server", "80", "--bind", "::", "--directory", str(net.directory))
    with net.start(PYTHON, "-u", *words, iface=20) as server:
        server.says("Serving")
        form = ("-sS", "-w", " %{local_ip} %{remote_ip}")
        for iface in (1, 20, 254):
            got = out(net.run(curl, *form, "http://127.0.0.20/page", iface=iface))
            assert got == f"hello 127.0.0.{iface} 127.0.0.20"
        assert "hello" in out(net.run(curl, *form, "http://[fd00::5357:5f14]/page"))
        assert "hello" in out(net.run(curl, *form, "http://localhost/page", iface=20))


def test_a_program_behaves_as_under_libsocket_wrapper(
    net: Dropin, prefix: tuple[str, ...], tmp_path: Path
) -> None:
    theirs = next(Path("/usr/lib").glob("*/libsocket_wrapper.so"), None)
    if theirs is None:
        pytest.skip("libsocket_wrapper.so is not installed: Debian's package libsocket-wrapper has it")
    (tmp_path / "theirs").mkdir()
    old = Dropin(prefix, tmp_path / "theirs", preload=str(theirs))
    for network in ("127.0.0.0", "10.53.57.0"):
        code = f"NET = {network[:-1]!r}\n{SAME}"
        expected = python(old, code, SOCKET_WRAPPER_IPV4_NETWORK=network)
        assert "enabled True\nenabled False" in expected
        assert python(net, code, SOCKET_WRAPPER_IPV4_NETWORK=network) == expected


def test_two_directories_do_not_see_each_other(net: Dropin, prefix: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Dropin(prefix, tmp_path / "other")
    with (
        net.start(PYTHON, "-c", ECHO, "127.0.0.2") as echo,
        other.start(PYTHON, "-c", ECHO, "127.0.0.2") as same,
    ):
        echo.says("ready")
        same.says("ready")
    with net.start(PYTHON, "-c", ECHO, "127.0.0.2") as echo:
        echo.says("ready")
        assert python(other, ASK, "127.0.0.2") == "Connection refused\n"
        assert python(net, ASK, "127.0.0.2").startswith("127.0.0.2 ")


def test_the_directory_may_be_named_and_changed_while_a_program_runs(
    net: Dropin, prefix: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    code = f"""
import os, socket, threading
first = socket.create_server(("", 80)); first_udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
first_udp.bind(("", 80))
os.environ["SOCKET_WRAPPER_DIR"] = {str(tmp_path / "second")!r}
second = socket.create_server(("", 80))
client = socket.create_connection(("127.0.0.1", 80))
print(second.accept()[1] == client.getsockname())
first.settimeout(0.1)
try: first.accept()
except TimeoutError: print("nobody")
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.sendto(b"lost", ("127.0.0.1", 80))
print(os.listdir({str(tmp_path / "second")!r}))
os.environ["SOCKET_WRAPPER_DIR"] = {str(net.directory)!r}
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.sendto(b"found", ("127.0.0.1", 80))
print(first_udp.recvfrom(10)[0])
os.environ["SOCKET_WRAPPER_DIR"] = {str(tmp_path / "second")!r}
first_udp.sendto(b"back", ("127.0.0.1", udp.getsockname()[1]))
print(udp.recvfrom(10)[0])
client = socket.socket(); client.bind(("127.0.0.1", 0))
print(client.getsockname()[0], first.getsockname(), second.getsockname())
os.environ["SOCKET_WRAPPER_DIR"] = {str(net.directory)!r}
client.connect(("127.0.0.1", 80))
second.settimeout(30)
print(second.accept()[1] == client.getsockname())
later = socket.create_connection(("127.0.0.1", 80))
os.environ["SOCKET_WRAPPER_DIR"] = {str(tmp_path / "second")!r}
first.settimeout(30)
print(first.accept()[1] == later.getsockname())
del os.environ["SOCKET_WRAPPER_DIR"]
try: socket.socket()
except OSError as error: print(os.strerror(error.errno))
print(first.getsockname())
"""
    assert python(net, code).splitlines() == [
        *("True", "nobody", "['.swrap']", "b'found'", "b'back'"),
        "127.0.0.1 ('0.0.0.0', 80) ('0.0.0.0', 80)",
        *("True", "True", "Address family not supported by protocol", "('0.0.0.0', 80)"),
    ]
    started_outside = out(
        subprocess.run(
            [
                *prefix,
                "env",
                f"LD_PRELOAD={libswrap()}",
                PYTHON,
                "-c",
                f"import os\n{LATE}{code}",
                str(net.directory),
            ],
            capture_output=True,
            text=True,
            check=False,
            env={name: value for name, value in os.environ.items() if not name.startswith("SOCKET_")},
        )
    )
    assert started_outside.splitlines()[0] == "Address family not supported by protocol"
    assert started_outside.splitlines()[1:] == python(net, code).splitlines()


LATE = """
import socket, sys
try: socket.socket()
except OSError as error: print(os.strerror(error.errno))
os.environ["SOCKET_WRAPPER_DIR"] = sys.argv[1]
"""


def test_a_directory_that_was_removed_and_made_again_is_another_network(net: Dropin) -> None:
    code = """
import os, shutil, socket
there = os.environ["SOCKET_WRAPPER_DIR"]
old = socket.create_server(("", 80))
shutil.rmtree(there); os.mkdir(there)
try: socket.create_connection(("127.0.0.1", 80))
except ConnectionRefusedError: print("refused")
new = socket.create_server(("", 80))
client = socket.create_connection(("127.0.0.1", 80))
print(new.accept()[1] == client.getsockname(), old.getsockname())
for _ in range(100): socket.socket().close()
print(sum("/.swrap/page" in line for line in open("/proc/self/maps")))
"""
    assert python(net, code).splitlines() == ["refused", "True ('0.0.0.0', 80)", "2"]


def test_whoever_comes_first_makes_the_network_and_all_at_once_make_one(net: Dropin) -> None:
    code = """
import os, socket, subprocess, sys
argv = [sys.executable, "-c", "import socket, sys; sys.stdin.read(1); s = socket.create_server(('', int(sys.argv[1])))\\nprint('up', flush=True); sys.stdin.read()"]
env = {**os.environ, "SOCKET_WRAPPER_DIR": sys.argv[1]}
held = [subprocess.Popen([*argv, str(port)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for port in range(1000, 1024)]
for one in held: one.stdin.write(b"g"); one.stdin.flush()
print({one.stdout.readline() for one in held})
os.environ["SOCKET_WRAPPER_DIR"] = sys.argv[1]
for port in range(1000, 1024): socket.create_connection(("127.0.0.1", port))
print(sorted(os.listdir(sys.argv[1])))
for one in held: one.communicate()
"""
    (net.directory / "fresh").mkdir()
    assert python(net, code, str(net.directory / "fresh")).splitlines() == ["{b'up\\n'}", "['.swrap']"]


def test_programs_started_with_an_empty_environment_are_on_the_network(net: Dropin) -> None:
    with net.start(PYTHON, "-c", ECHO, "0.0.0.0", iface=6) as echo:
        echo.says("ready")
        for outer in (["env", "-i"], ["sh", "-c", 'exec env -i "$@"', "-"], [PYTHON, "-c", SPAWN]):
            done = net.run(*outer, PYTHON, "-c", ASK, "127.0.0.6", iface=77)
            assert out(done).split()[2] == "127.0.0.77"
        changed = f"import os; os.environ['SOCKET_WRAPPER_DEFAULT_IFACE'] = '78'\n{SPAWN}"
        assert out(net.run(PYTHON, "-c", changed, PYTHON, "-c", ASK, "127.0.0.6")).split()[2] == "127.0.0.78"
        unset = net.run("env", "-u", "SOCKET_WRAPPER_DIR", PYTHON, "-c", ASK, "127.0.0.6")
        assert out(unset) == "Address family not supported by protocol\n"


SPAWN = "import subprocess, sys; sys.stdout.write(subprocess.check_output(sys.argv[1:], env={}, text=True))"


def test_nothing_of_the_machines_network_shows(net: Dropin) -> None:
    code = """
import ctypes, errno, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
answer = {"interfaces": socket.if_nameindex(), "own": socket.gethostname() == os.uname().nodename}
answer["resolved"] = sorted({one[4][0] for one in socket.getaddrinfo(socket.gethostname(), 80)})
answer["names"] = [socket.gethostbyaddr(at)[::2] for at in ("127.0.0.1", "127.0.0.7", "fd00::5357:5f07")]
for kind in (socket.SOCK_RAW, socket.SOCK_SEQPACKET):
    try: socket.socket(socket.AF_INET, kind)
    except OSError as error: answer[kind.name] = errno.errorcode[error.errno]
try: socket.getaddrinfo("example.com", 80)
except socket.gaierror as error: answer["example.com"] = error.errno == socket.EAI_NONAME
buffer = ctypes.create_string_buffer(512)
answer["res_query"] = libc.res_query(b"example.com", 1, 1, buffer, 512)
answer["io_uring"] = libc.syscall(425, 8, ctypes.create_string_buffer(200)), errno.errorcode[ctypes.get_errno()]
try: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
except OSError as error: answer["netlink"] = errno.errorcode[error.errno]
print(json.dumps(answer))
"""
    assert json.loads(python(net, code, iface=12)) == {
        "interfaces": [[1, "lo"], [2, "eth0"]],
        "own": True,
        "resolved": ["127.0.0.12", "fd00::5357:5f0c"],
        "names": [["localhost", ["127.0.0.1"]], ["host7", ["127.0.0.7"]], ["host7", ["fd00::5357:5f07"]]],
        "SOCK_RAW": "EPERM",
        "SOCK_SEQPACKET": "ESOCKTNOSUPPORT",
        "example.com": True,
        "res_query": -1,
        "io_uring": [-1, "ENOSYS"],
        "netlink": "EPROTONOSUPPORT",
    }


def test_a_directory_that_is_missing_is_told_once_and_leads_nowhere(
    prefix: tuple[str, ...], tmp_path: Path
) -> None:
    net = Dropin(prefix, tmp_path / "missing")
    code = """
import os, socket
for _ in range(2):
    try: socket.socket()
    except OSError as error: print(os.strerror(error.errno))
try: socket.getaddrinfo("example.com", 80)
except socket.gaierror as error: print(error.errno == socket.EAI_NONAME, socket.if_nameindex())
os.mkdir(os.environ["SOCKET_WRAPPER_DIR"])
print(socket.create_server(("", 80)).getsockname())
"""
    done = net.run(PYTHON, "-c", code)
    assert done.stderr == f"swrap: SOCKET_WRAPPER_DIR={tmp_path}/missing: No such file or directory\n"
    assert done.stdout.splitlines() == [
        *["No such file or directory"] * 2,
        "True [(1, 'lo'), (2, 'eth0')]",
        "('0.0.0.0', 80)",
    ]


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root: only root can be a second user"
)
def test_another_user_gets_nothing(prefix: tuple[str, ...]) -> None:
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    with tempfile.TemporaryDirectory() as folder:
        library = shutil.copy(libswrap(), folder)
        Path(folder).chmod(0o777)
        net = Dropin(prefix, Path(folder), preload=library)
        with net.start(PYTHON, "-c", ECHO, "0.0.0.0") as echo:
            echo.says("ready")
            done = net.run(*user, PYTHON, "-c", ASK, "127.0.0.1")
            assert done.stdout == "Permission denied\n"
            assert done.stderr == f"swrap: SOCKET_WRAPPER_DIR={folder}: Permission denied\n"
            assert python(net, ASK, "127.0.0.1").startswith("0.0.0.0 ")


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root: only root can be a second user"
)
def test_a_network_that_another_user_has_laid_out_is_refused(prefix: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        net = Dropin(prefix, Path(folder))
        python(net, ASK, "127.0.0.1")
        made = [Path(folder, ".swrap"), *Path(folder, ".swrap").iterdir()]
        for path in made:
            os.chown(path, 65534, 65534)
        done = net.run(PYTHON, "-c", ASK, "127.0.0.1")
        assert (done.stdout, done.stderr.count("\n")) == ("Permission denied\n", 1)


@pytest.mark.parametrize(
    ("network", "to"),
    [("127.0.0.0", "127.255.255.255"), ("10.53.57.0", "10.255.255.255"), ("127.0.0.0", "255.255.255.255")],
)
def test_a_broadcast_reaches_every_interface(net: Dropin, network: str, to: str) -> None:
    hear = """
import socket
heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
heard.bind(("", 137))
print("ready", flush=True)
print(*heard.recvfrom(100), flush=True)
"""
    call = f"""
import socket
calls = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
calls.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
calls.bind(("", 137))
calls.sendto(b"who is there", ("{to}", 137))
"""
    form = {"SOCKET_WRAPPER_IPV4_NETWORK": network}
    with (
        net.start(PYTHON, "-c", hear, iface=4, **form) as one,
        net.start(PYTHON, "-c", hear, iface=200, **form) as two,
    ):
        one.says("ready")
        two.says("ready")
        python(net, call, iface=9, **form)
        for heard in (one, two):
            heard.says(rf"b'who is there' \('{network[:-1]}9', 137\)")


def test_a_lab_wins(net: Dropin) -> None:
    code = "import socket; s = socket.create_server(('', 80)); print(socket.gethostname())"
    exec_ = (sys.executable, "-m", "swrap.cli", "exec", "--", PYTHON, "-c", code)
    done = net.run(*exec_, LD_PRELOAD="")
    assert out(done) == "host\n", "a name that only a lab gives"
    assert not (net.directory / ".swrap").exists()


def test_passed_sockets_are_on_the_network_too(net: Dropin) -> None:
    code = """
import os, socket, sys
here, there = socket.socketpair()
if os.fork() == 0:
    os.environ["SOCKET_WRAPPER_DEFAULT_IFACE"] = "99"
    _, (fd,), _, _ = socket.recv_fds(there, 10, 1)
    stream, peer = socket.socket(fileno=fd).accept()
    stream.sendall(f"{stream.getsockname()[0]} {peer[0]}".encode())
    os._exit(0)
listener = socket.create_server(("127.0.0.40", 80))
socket.send_fds(here, [b"x"], [listener.fileno()])
client = socket.create_connection(("127.0.0.40", 80))
print(client.recv(100).decode())
"""
    assert python(net, code, iface=41) == "127.0.0.40 127.0.0.41\n"
