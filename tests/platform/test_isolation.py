"""What the tests themselves promise: they ask no name server."""

import socket

import pytest


def test_no_test_asks_a_name_server() -> None:
    with pytest.raises(socket.gaierror, match="no other machine"):
        socket.getaddrinfo("data.example.org", 443)
    assert socket.getaddrinfo("localhost", 443)
