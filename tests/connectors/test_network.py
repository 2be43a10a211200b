"""The outbound guard: what it refuses, what the allow-list opens, and that a name is looked up only once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from connectors import network
from connectors.errors import ConfigError, TransientError


@pytest.fixture(autouse=True)
def closed_network() -> Iterator[None]:
    """Nothing is allowed besides public addresses, as in a plain production setting."""
    network.configure([])
    yield
    network.configure(settings.SYNCDECK_NETWORK_ALLOW)


def resolver_of(*addresses: str) -> Any:
    """A name server that gives one of these answers per question, and counts the questions."""

    def resolve(host: str, port: int, **_options: Any) -> list[tuple[Any, ...]]:
        address = addresses[min(resolve.questions, len(addresses) - 1)]  # type: ignore[attr-defined]
        resolve.questions += 1  # type: ignore[attr-defined]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    resolve.questions = 0  # type: ignore[attr-defined]
    return resolve


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.1",
        "127.255.255.254",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "0.0.0.0",  # noqa: S104 - refused, not bound
        "0",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "::127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "169.254.1.1",
        "2852039166",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "2001:db8::1",
        "168.63.129.16",
    ],
)
def test_addresses_that_are_not_public_are_refused(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        network.resolve_checked(host, 80)
    assert caught.value.code == "address_refused"
    assert "SYNCDECK_NETWORK_ALLOW" in caught.value.hint


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "::1", "fd12::1", "169.254.169.254"])
def test_names_that_resolve_to_such_an_address_are_refused(address: str) -> None:
    with pytest.raises(ConfigError, match=r"'innocent\.example:443' is refused"):
        network.resolve_checked("innocent.example", 443, resolver=resolver_of(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_pass(address: str) -> None:
    assert network.resolve_checked("example.org", 443, resolver=resolver_of(address)) == address


@pytest.mark.parametrize(
    ("entry", "host", "port", "address", "passes"),
    [
        ("127.0.0.0/8", "localhost", 80, "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", 80, "127.0.0.1", True),
        ("127.0.0.1:8090", "127.0.0.1", 8090, "127.0.0.1", True),
        ("127.0.0.1:8090", "127.0.0.1", 8091, "127.0.0.1", False),
        ("127.0.0.1", "x.example", 80, "127.0.0.2", False),
        ("[::1]:8090", "::1", 8090, "::1", True),
        ("[::1]:8090", "::1", 80, "::1", False),
        ("::1", "::1", 80, "::1", True),
        ("10.0.0.0/8", "db.internal", 5432, "10.2.3.4", True),
        ("10.0.0.0/8", "db.internal", 5432, "192.168.0.1", False),
        ("db.internal", "DB.Internal.", 5432, "10.2.3.4", True),
        ("db.internal", "other.internal", 5432, "10.2.3.4", False),
        ("db.internal:5432", "db.internal", 5432, "10.2.3.4", True),
        ("db.internal:5432", "db.internal", 80, "10.2.3.4", False),
        ("fd00::/8", "x.internal", 80, "fd12::1", True),
        ("10.0.0.0/8", "x.internal", 80, "::ffff:10.0.0.1", False),
    ],
)
def test_allow_list_opens_exactly_what_it_names(entry: str, host: str, port: int, address: str, passes: bool) -> None:
    network.configure([entry])
    if passes:
        assert network.resolve_checked(host, port, resolver=resolver_of(address)) == address
    else:
        with pytest.raises(ConfigError, match="is refused"):
            network.resolve_checked(host, port, resolver=resolver_of(address))


@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.7.7", "fd00:ec2::254", "fe80::1", "100.100.100.200"])
def test_metadata_and_link_local_addresses_are_refused_whatever_is_allowed(address: str) -> None:
    network.configure(["0.0.0.0/0", "::/0", address, "metadata.internal"])
    with pytest.raises(ConfigError, match="is refused"):
        network.resolve_checked("metadata.internal", 80, resolver=resolver_of(address))


def test_mapped_metadata_address_is_refused_whatever_is_allowed() -> None:
    network.configure(["::/0"])
    for address in ("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"):
        with pytest.raises(ConfigError, match="is refused"):
            network.resolve_checked("metadata.internal", 80, resolver=resolver_of(address))


def test_name_is_looked_up_once_and_the_checked_address_returned() -> None:
    rebinding = resolver_of("93.184.216.34", "127.0.0.1")
    assert network.resolve_checked("rebind.example", 80, resolver=rebinding) == "93.184.216.34"
    assert rebinding.questions == 1


def test_permitted_address_is_chosen_among_several() -> None:
    def resolve(_host: str, port: int, **_options: Any) -> list[tuple[Any, ...]]:
        return [(2, 1, 6, "", (address, port)) for address in ("10.0.0.1", "93.184.216.34")]

    assert network.checked_addresses("both.example", 80, resolver=resolve) == ["93.184.216.34"]


def test_refusal_reads_the_same_for_open_and_closed_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        open_port = listening.getsockname()[1]
        with pytest.raises(ConfigError) as for_open:
            network.resolve_checked("127.0.0.1", open_port)
    with pytest.raises(ConfigError) as for_closed:
        network.resolve_checked("127.0.0.1", open_port)
    assert for_open.value.as_failure() == for_closed.value.as_failure()


def test_unknown_name_is_a_transient_failure() -> None:
    def resolve(*_args: Any, **_options: Any) -> list[tuple[Any, ...]]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(TransientError, match=r"'nowhere\.example' cannot be resolved") as caught:
        network.resolve_checked("nowhere.example", 80, resolver=resolve)
    assert caught.value.code == "dns_failure"


@pytest.mark.parametrize("host", ["", "a b", "a/b", "user@host", "host\n", "x" * 254, "fe80::1%eth0", "a\\b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="is not a host name or address"):
        network.resolve_checked(host, 80)


@pytest.mark.parametrize("port", [0, -1, 70_000])
def test_impossible_ports_are_refused(port: int) -> None:
    with pytest.raises(ConfigError, match="is not a port"):
        network.resolve_checked("example.org", port)


@pytest.mark.parametrize("entry", ["*", "http://x", "a b", "host:port", "10.0.0.0/33", "[::1", ":80"])
def test_allow_list_entry_that_is_none_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="SYNCDECK_NETWORK_ALLOW"):
        network.configure([entry])


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "127.0.0.1", "2130706433", "0x7f.1", "::1", "10.0.0.1"])
def test_form_refuses_literal_addresses_without_asking_a_name_server(host: str) -> None:
    with pytest.raises(ConfigError, match="is refused"):
        network.check_literal(host, 443)


def test_form_takes_names_and_public_addresses() -> None:
    network.check_literal("data.cityofchicago.org", 443)
    network.check_literal("93.184.216.34", 443)
