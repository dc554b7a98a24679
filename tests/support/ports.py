"""Ports that nobody listens on just now."""

import random
import socket
from pathlib import Path


def free_ports(count: int) -> list[int]:
    """That many, all different."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def quiet_ports(count: int) -> list[int]:
    """As many, free and outside of what the system hands out: nobody gets one by chance before it is used."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    found: list[int] = []
    while len(found) < count:
        port = random.randrange(first // 2, first)
        with socket.socket() as one:
            if port not in found and one.connect_ex(("127.0.0.1", port)):
                found.append(port)
    return found
