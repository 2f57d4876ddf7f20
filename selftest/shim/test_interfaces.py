"""A program sees the interfaces of its host, and no others."""

from __future__ import annotations

import json

from selftest.support.network import Network

LINKS = """
import array, fcntl, json, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def ethtool(name, command, size):
    data = array.array("B", struct.pack("I", command) + bytes(size - 4))
    fcntl.ioctl(s, 0x8946, struct.pack("16sP", name.encode(), data.buffer_info()[0]) + bytes(16))
    return bytes(data)
def speed(name):
    raw = ethtool(name, 1, 44)
    return struct.unpack_from("H", raw, 12)[0] | struct.unpack_from("H", raw, 28)[0] << 16
print(json.dumps({name: [index, speed(name), struct.unpack_from("I", ethtool(name, 10, 8), 4)[0],
    struct.unpack_from("Q", ethtool(name, 0x2D, 192), 8)[0]] for index, name in socket.if_nameindex() if name != "lo"}))
"""


def test_speed_link_and_rings_are_the_labs(lab: Network) -> None:
    """ethtool(8): GSET in Mb/s, GLINK, GRXRINGS."""
    assert json.loads(lab.python("server", LINKS)) == {"eth0": [2, 10000, 1, 8], "wlan0": [3, 300, 1, 1]}


def test_getifaddrs_tells_the_hosts_addresses(lab: Network) -> None:
    seen = lab.python(
        "laptop",
        "import json, psutil; print(json.dumps({n: [[a.address, a.netmask] for a in v if a.family.name != 'AF_PACKET']"
        " for n, v in psutil.net_if_addrs().items()}))",
    )
    assert json.loads(seen) == {
        "lo": [["127.0.0.1", "255.0.0.0"], ["::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]],
        "eth0": [["10.0.1.2", "255.255.255.0"], ["fd00:1::2", "ffff:ffff:ffff:ffff::"]],
        "wlan0": [["10.0.2.2", "255.255.255.0"]],
    }
