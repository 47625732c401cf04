"""Addresses that a secret may be sent to."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from coolrun import UsageError


def checked(address: str, where: str, *, shows: bool) -> str:
    """The address, if a secret may be sent there: over https, or to this machine itself.

    Args:
        where: what holds the address, for the message.
        shows: whether the message may show it.

    Raises:
        UsageError: it may not.
    """
    shown = f" ({address!r})" if shows else ""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    strange = not address.isascii() or not address.isprintable() or " " in address
    if not host or strange or parts.username is not None or parts.password is not None:
        raise UsageError(f"{where} holds no address{shown}", cure="it begins with https://")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(address)):
        raise UsageError(
            f"{where} is not an address of https{shown}",
            cure="write https://; a secret goes unencrypted to this machine itself only",
        )
    return address


def is_loopback(address: str) -> bool:
    """Whether the address is one of this machine itself."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
