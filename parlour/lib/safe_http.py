"""Files from addresses that others have named. Nothing behind our own walls can be reached through them, and nothing they send is taken
for what it claims: a name is resolved once, every address it has must be a public one, the connection goes to that very address (with
the name kept for ``Host`` and TLS), redirects are looked at anew, and what comes is counted as it comes.
"""

from __future__ import annotations

import ipaddress
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ssl import SSLContext
from typing import Any

import httpcore
import httpx

from parlour.lib import names

REDIRECTS = 3
SECONDS = 60.0
STEP_SECONDS = 10.0
"""How long a connection, or the next piece, may take."""
PORTS = frozenset({80, 443})
PIECE = 64 * 1024

_RELAYS = ipaddress.ip_network("192.88.99.0/24")
_AZURE = ipaddress.ip_address("168.63.129.16")
"""Public by its number, yet the host's own service for machines in Azure."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Refused(Exception):
    """It is not fetched, now or later; the text is a sentence that says why."""


class Failed(Exception):
    """It could not be had this time. ``status`` is the answer's, None when there was none."""

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came: the bytes, decoded, and the type that was told with them ('' for none)."""

    content: bytes
    told: str
    etag: str = ""
    modified: str = ""
    """What to ask with next time (``If-None-Match``, ``If-Modified-Since``); an unchanged file is Failed with the status 304, then."""


def fetch(
    url: str, *, most: int, headers: Mapping[str, str] | None = None, own: bool = False, seconds: float = SECONDS
) -> Fetched:
    """The file at ``url``, of at most ``most`` bytes, within ``seconds`` in all. Raises Refused or Failed.

    ``headers`` go to the address's own origin only, not where it redirects to. ``own``: the address is one an administrator has set (or the
    platform's, by an inbox's settings): that origin, and no other, may be local and on any port.
    """
    until = time.monotonic() + seconds
    first = address = _parsed(url)
    for _ in range(REDIRECTS + 1):
        known = _origin(address) == _origin(first)
        answer = _ask(address, dict(headers or {}) if known else {}, most, own and known, until)
        if isinstance(answer, Fetched):
            return answer
        try:
            address = _parsed(str(address.join(answer)))
        except httpx.InvalidURL as error:
            raise Refused("It leads to something that is no address.") from error
    raise Refused(f"It leads on more than {REDIRECTS} times.")


@dataclass(frozen=True, slots=True)
class Answered:
    """What the other side said to something that was posted: any status, and at most as many bytes as were asked for."""

    status: int
    content: bytes
    retry_after: str = ""


def post(
    url: str, body: bytes, *, headers: Mapping[str, str], most: int, within: Sequence[Network] = (), seconds: float
) -> Answered:
    """Post ``body`` to an address on the open internet, or in one of the networks ``within``, and read the beginning of the answer.
    Redirects are answers. Raises Refused for an address that is never asked, Failed where no answer came within ``seconds``."""
    until = time.monotonic() + seconds
    address = _parsed(url)
    sent = {name.lower(): value for name, value in {"user-agent": "Parlour/0.1", **headers}.items()}
    sent |= {"host": address.netloc.decode("ascii"), "accept-encoding": "identity", "content-length": str(len(body))}
    place = httpcore.URL(
        scheme=address.raw_scheme, host=address.raw_host, port=_port(address), target=address.raw_path or b"/"
    )
    pool = httpcore.ConnectionPool(
        ssl_context=_trust(),
        max_connections=1,
        max_keepalive_connections=0,
        network_backend=_Checked(False, until, within),
    )
    lines: list[tuple[bytes | str, bytes | str]] = [*sent.items()]
    try:
        with pool, pool.stream("POST", place, headers=lines, content=body) as response:
            content = b""
            for piece in response.iter_stream():
                content += piece[: most - len(content)]
                if len(content) >= most:
                    break
            return Answered(response.status, content, httpx.Headers(response.headers).get("retry-after", ""))
    except _FAULTS as error:
        raise Failed(f"It could not be reached ({type(error).__name__}).") from error


def _is_within(text: str, networks: Sequence[Network]) -> bool:
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return any(ip in one for one in networks)


def _parsed(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Refused("This is no address.") from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise Refused("Only http and https addresses are fetched.")
    if address.userinfo:
        raise Refused("Addresses with a name and password in them are not fetched.")
    return address


def check(url: str) -> None:
    """Raises Refused, with a sentence, for what is no address that could ever be asked."""
    _parsed(url)


def _port(address: httpx.URL) -> int:
    return address.port or (443 if address.scheme == "https" else 80)


def _origin(address: httpx.URL) -> tuple[str, str, int]:
    return address.scheme, address.host, _port(address)


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses are of one scheme, host and port."""
    try:
        return _origin(_parsed(one)) == _origin(_parsed(other))
    except Refused:
        return False


def is_public(text: str) -> bool:
    """Whether an IP address is one of the open internet, also when it is written inside another one."""
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner: list[Address | None] = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip.is_site_local or any(one is not None and not _open(one) for one in inner):
            return False
        if ip.ipv4_mapped is not None:
            return True
    return _open(ip)


def _open(ip: Address) -> bool:
    ours = ip.is_loopback or ip.is_link_local or ip.is_unspecified or ip.is_private
    return ip.is_global and not (ours or ip.is_multicast or ip.is_reserved or ip in _RELAYS or ip == _AZURE)


class _Checked(httpcore.SyncBackend):
    """Connections for one request: to checked addresses only, and every wait ends with the request's own time."""

    def __init__(self, own: bool, until: float, within: Sequence[Network] | None = None) -> None:
        super().__init__()
        self.own = own
        self.until = until
        self.within = within
        """Networks that may be reached besides the open internet, on any port; None where only files are asked for."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the request's own time counts
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        if not self.own and self.within is None and port not in PORTS:
            raise Refused(f"Port {port} is not asked for files.")
        name = host.strip("[]")
        try:
            ips = names.addresses(name, port, left(self.until))
        except names.NotFound as error:
            raise Failed(str(error)) from error
        if not self.own and not all(is_public(ip) or _is_within(ip, self.within or ()) for ip in ips):
            raise Refused("Its address is not on the open internet.")
        for ip in ips[:3]:
            try:
                made = super().connect_tcp(ip, port, left(self.until), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault: Exception = error
            else:
                return _Timed(made, self.until)
        raise fault


class _Timed(httpcore.NetworkStream):
    """A connection whose waits end with the request's time, however steadily little bits come."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self.stream = stream
        self.until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self.stream.read(max_bytes, left(self.until))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self.stream.write(buffer, left(self.until))

    def close(self) -> None:
        self.stream.close()

    def start_tls(
        self,
        ssl_context: SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Timed(self.stream.start_tls(ssl_context, server_hostname, left(self.until)), self.until)

    def get_extra_info(self, info: str) -> Any:
        return self.stream.get_extra_info(info)


def left(until: float) -> float:
    """How long the next step may take. Raises Failed when the time is over."""
    seconds = until - time.monotonic()
    if seconds <= 0:
        raise Failed("It took too long.")
    return min(STEP_SECONDS, seconds)


@cache
def _trust() -> SSLContext:
    return httpx.create_ssl_context()


def _ask(address: httpx.URL, headers: dict[str, str], most: int, own: bool, until: float) -> Fetched | str:
    """One request: the file, or the address it redirects to."""
    sent = {name.lower(): value for name, value in {"user-agent": "Parlour/0.1", "accept": "*/*", **headers}.items()}
    # Last, so that nothing given takes their place.
    sent |= {"host": address.netloc.decode("ascii"), "accept-encoding": "identity"}
    lines: list[tuple[bytes | str, bytes | str]] = [*sent.items()]
    url = httpcore.URL(
        scheme=address.raw_scheme, host=address.raw_host, port=_port(address), target=address.raw_path or b"/"
    )
    # No connection is kept: what was checked for one address must not serve another.
    pool = httpcore.ConnectionPool(
        ssl_context=_trust(), max_connections=1, max_keepalive_connections=0, network_backend=_Checked(own, until)
    )
    try:
        with pool, pool.stream("GET", url, headers=lines) as response:
            return _answer(response, most, until)
    except _FAULTS as error:
        raise Failed(f"The file could not be had ({type(error).__name__}).") from error


_FAULTS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    OSError,
)


def _answer(response: httpcore.Response, most: int, until: float) -> Fetched | str:
    headers = httpx.Headers(response.headers)
    if response.status in {301, 302, 303, 307, 308}:
        if not headers.get("location"):
            raise Failed("It leads nowhere.", response.status)
        return headers["location"]
    if response.status != 200:
        raise Failed(f"The platform answered {response.status}.", response.status)
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise Refused(too_large(most))
    content = bytearray()
    for piece in _decoded(response, headers.get("content-encoding", "")):
        content += piece
        if len(content) > most:
            raise Refused(too_large(most))
        left(until)
    marks = (headers.get("etag", "")[:500], headers.get("last-modified", "")[:100])
    return Fetched(bytes(content), headers.get("content-type", "")[:200], *marks)


def _decoded(response: httpcore.Response, coding: str) -> Iterator[bytes]:
    """The body in small pieces, whatever its packing: a little that unpacks to a lot is never unpacked at once."""
    coding = coding.strip().lower()
    if coding in {"", "identity"}:
        yield from response.iter_stream()
        return
    if coding not in {"gzip", "x-gzip", "deflate"}:
        raise Refused("It is packed in a way that nobody asked for.")
    # 32: a header of either kind, gzip's or zlib's.
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        for piece in response.iter_stream():
            rest = piece
            while rest and not unpack.eof:
                yield unpack.decompress(rest, PIECE)
                rest = unpack.unconsumed_tail
    except zlib.error as error:
        raise Failed("It is packed in a way that cannot be read.") from error
    while not unpack.eof:
        if not (rest := unpack.decompress(b"", PIECE)):
            raise Failed("It ended early.")
        yield rest


def too_large(most: int) -> str:
    return f"It is larger than {most / 1024 / 1024:,.0f} MB."
