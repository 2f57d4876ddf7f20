"""A lab of a thousand hosts with four interfaces each starts, carries and is captured as a small one."""

from __future__ import annotations

from pathlib import Path

from selftest.support import tshark
from selftest.support.commands import swrap

TALK = """
import socket
server = socket.create_server(("", 80))
client = socket.create_connection(("10.3.3.250", 80))
other, _ = server.accept()
client.sendall(b"hello")
print(other.recv(5).decode(), len(socket.if_nameindex()), socket.gethostbyname("h0"))
"""


def test_a_thousand_hosts_with_four_interfaces_each(tmp_path: Path) -> None:
    lines = ["hosts:"]
    for host in range(1000):
        lines.append(f"  h{host}:")
        lines += [f"    eth{net}: 10.{net}.{host // 250}.{host % 250 + 1}/16" for net in range(1, 5)]
    lab, file = tmp_path / "lab.yaml", tmp_path / "a.pcapng"
    lab.write_text("\n".join(lines))
    done = swrap("exec", "--lab", lab, "--host", "h999", "--pcap", file, "--", "python3", "-c", TALK)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "hello 5 10.1.0.1\n"
    assert len(tshark.interfaces(file)) == 5000
    assert len(tshark.packets(file, "frame.number", only="tcp.len == 5")) == 1
