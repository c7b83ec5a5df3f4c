"""Twilio's signature: base64 of an HMAC over the whole address asked and, for forms, every parameter's name and values.

Forms are signed with the account's auth token (SHA-1) or, when the header ``X-Twilio-Webhooks-Signature-Settings`` names one, with a
shared key (SHA-256). A JSON body is signed by the address alone, which carries the body's hash as ``bodySHA256``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlsplit, urlunsplit

Algorithm = Literal["sha1", "sha256"]
MOST_FIELDS = 1000
_PORTS = {"https": 443, "http": 80}


def form(body: bytes) -> list[tuple[str, str]]:
    """The parameters of a form in order, empty ones among them. Raises ValueError when there are too many."""
    text = body.decode("utf-8", "replace")
    return parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)


def sign(secret: str, url: str, params: Iterable[tuple[str, str]] = (), algorithm: Algorithm = "sha1") -> str:
    """The signature of one address and the parameters posted there; a value that is there twice counts once."""
    values: dict[str, set[str]] = {}
    for name, value in params:
        values.setdefault(name, set()).add(value)
    said = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    signed = hmac.new(secret.encode(), said.encode("utf-8", "surrogatepass"), getattr(hashlib, algorithm))
    return base64.b64encode(signed.digest()).decode()


def fits(secret: str, given: str, urls: Sequence[str], body: bytes, algorithm: Algorithm = "sha1") -> bool:
    """Whether ``given`` signs ``body``, posted to one of ``urls``."""
    try:
        params = form(body)
    except ValueError:
        return False
    held = False
    for url in urls:
        hashes = parse_qs(urlsplit(url).query).get("bodySHA256")
        if hashes and not hmac.compare_digest(hashes[0].lower().encode(), hashlib.sha256(body).hexdigest().encode()):
            continue
        expected = sign(secret, url, () if hashes else params, algorithm)
        held |= hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))
    return held


def addresses(public: str, asked: str) -> list[str]:
    """How Twilio may have written the address: as it was asked, or ``public`` with the query of that; with and without the port."""
    try:
        query = urlsplit(asked).query
        given = [urlsplit(one) for one in (public, asked) if one]
        return [one for parts in given for one in _written(parts._replace(query=parts.query or query, fragment=""))]
    except ValueError:
        return []


def _written(parts: SplitResult) -> list[str]:
    usual = _PORTS.get(parts.scheme)
    hosts = [parts.netloc]
    if parts.port is None and usual:
        hosts.append(f"{parts.netloc}:{usual}")
    elif parts.port == usual:
        hosts.append(parts.netloc.rpartition(":")[0])
    return [urlunsplit(parts._replace(netloc=host)) for host in hosts]


def settings(headers: Mapping[str, str]) -> dict[str, str]:
    """The parts of ``X-Twilio-Webhooks-Signature-Settings``: ``key`` and ``algorithm``; empty when the header is absent."""
    told = headers.get("x-twilio-webhooks-signature-settings", "")
    pairs = (part.partition("=") for part in told.split(","))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}
