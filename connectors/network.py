"""The outbound guard: turns a host a user typed into addresses that may be connected to. Connects to nothing itself.

Whoever connects must use the address returned here, and the name only for TLS and the Host header: a name that is
looked up twice may answer differently the second time (DNS rebinding).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import ConfigError, TransientError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[..., Sequence[tuple[Any, ...]]]

HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")
ENTRY_WITH_PORT = re.compile(r"(?P<host>\[[^\]]+\]|[^:\[\]]+)(?::(?P<port>\d{1,5}))?")

# Where clouds hand out credentials to whoever asks from the machine itself: AWS, GCP, Azure, Alibaba, Oracle.
METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
# IPv6 networks whose addresses carry an IPv4 address (in their last 32 bits, 6to4 excepted) that is really reached.
CARRIERS = tuple(ipaddress.IPv6Network(text) for text in ("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"))
SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
TEREDO = ipaddress.IPv6Network("2001::/32")


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry of the allow-list: a name or a network, for one port or all."""

    name: str = ""
    network: Network | None = None
    port: int | None = None

    def covers(self, host: str, port: int, address: Address) -> bool:
        if self.port not in (None, port):
            return False
        if self.network is None:
            return self.name == host
        return address.version == self.network.version and address in self.network


_allowances: tuple[Allowance, ...] = ()


def configure(allow: Sequence[str]) -> None:
    """Set what may be reached besides public addresses: host, host:port, IP, IP:port, [v6]:port or CIDR.

    Raises ValueError naming an entry that is none of these.
    """
    global _allowances
    _allowances = tuple(_parse_entry(entry.strip()) for entry in allow if entry.strip())


def _parse_entry(entry: str) -> Allowance:
    try:
        return Allowance(network=ipaddress.ip_network(entry, strict=False))
    except ValueError:
        match = ENTRY_WITH_PORT.fullmatch(entry)
    if not match:
        raise ValueError(f"SYNCDECK_NETWORK_ALLOW: {entry!r} is no host, host:port, address or network")
    host, port = match["host"].strip("[]"), int(match["port"]) if match["port"] else None
    try:
        return Allowance(network=ipaddress.ip_network(host), port=port)
    except ValueError:
        if not HOST_NAME.fullmatch(host):
            raise ValueError(f"SYNCDECK_NETWORK_ALLOW: {host!r} is no host name") from None
    return Allowance(name=_normal(host), port=port)


def resolve_checked(host: str, port: int, *, resolver: Resolver = socket.getaddrinfo) -> str:
    """The IP address to connect to. Raises as `checked_addresses`."""
    return checked_addresses(host, port, resolver=resolver)[0]


def checked_addresses(host: str, port: int, *, resolver: Resolver = socket.getaddrinfo) -> list[str]:
    """Every permitted address of the host, IPv4 first, looked up once.

    Raises ConfigError `address_refused` where none is permitted, TransientError `dns_failure` where there is none.
    """
    _check_host_and_port(host, port)
    try:
        # The system's resolver also reads 2130706433, 0x7f.1 and the like, so they are judged by what they mean.
        found = resolver(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    addresses = list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))
    if not addresses:
        raise TransientError(
            "dns_failure",
            f"the name '{host}' cannot be resolved",
            hint="Check the spelling, and that the machine of the workers can look up this name.",
        )
    permitted = [address for address in addresses if is_permitted(host, port, address)]
    if not permitted:
        raise refusal(host, port)
    return [str(address) for address in sorted(permitted, key=lambda address: address.version)]


def check_literal(host: str, port: int) -> None:
    """Refuse what can be judged without asking a name server: addresses in any spelling, and localhost.

    For forms; connecting checks again. Raises ConfigError `address_refused`.
    """
    _check_host_and_port(host, port)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
    except (OSError, UnicodeError):
        is_local = _normal(host).rpartition(".")[2] == "localhost"
        addresses = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")] if is_local else []
    if addresses and not any(is_permitted(host, port, address) for address in addresses):
        raise refusal(host, port)


def is_permitted(host: str, port: int, address: Address) -> bool:
    """Whether this address, under this name and port, may be connected to."""
    if _is_never_permitted(address):
        return False
    if _is_public(address):
        return True
    return any(allowance.covers(_normal(host), port, address) for allowance in _allowances)


def refusal(host: str, port: int) -> ConfigError:
    """The same text whatever the address and whether or not something listens there."""
    shown = f"[{host}]" if ":" in host else host
    return ConfigError(
        "address_refused",
        f"connecting to '{shown}:{port}' is refused, because its address is not a public one",
        hint="If it is meant to be reached, an administrator can add it to SYNCDECK_NETWORK_ALLOW.",
    )


def _check_host_and_port(host: str, port: int) -> None:
    if not 0 < port < 65536:
        raise ConfigError("bad_address", f"{port} is not a port; ports are 1 to 65535")
    if not host or len(host) > 253 or any(ord(character) <= 32 or character in "/\\@?#%\x7f" for character in host):
        raise ConfigError("bad_address", f"{host[:100]!r} is not a host name or address")


def _normal(host: str) -> str:
    return host.lower().rstrip(".")


def _carried(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside a mapped, compatible, NAT64 or 6to4 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if any(address in carrier for carrier in CARRIERS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour if address in SIX_TO_FOUR else None


def _is_never_permitted(address: Address) -> bool:
    carried = _carried(address)
    if carried is not None and _is_never_permitted(carried):
        return True
    return address in METADATA or address.is_link_local or address.is_multicast or address.is_unspecified


def _is_public(address: Address) -> bool:
    """Addresses that carry another one are not taken for public: what they lead to depends on the network."""
    if _carried(address) is not None or address in TEREDO:
        return False
    return address.is_global and not (address.is_private or address.is_reserved or address.is_loopback)
