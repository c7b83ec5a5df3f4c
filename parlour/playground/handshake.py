"""The challenges with which Meta and X make sure that a webhook address belongs to somebody who knows the secret."""

from __future__ import annotations

import asyncio
import secrets

import httpx

from parlour.lib import signing
from parlour.playground.postman import Target, trusted


async def challenge_meta(client: httpx.AsyncClient, target: Target, verify_token: str) -> str:
    """'verified', or what is wrong. Raises httpx.HTTPError when nobody answers."""
    word = str(secrets.randbelow(10**10))
    query = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": word}
    answer = await client.get(target.url, params=query)
    if answer.status_code == 200 and answer.text == word:
        return "verified"
    return f"the challenge was answered with HTTP {answer.status_code} and other words than ours"


async def challenge_x(client: httpx.AsyncClient, target: Target) -> str:
    """'verified', or what is wrong. Raises httpx.HTTPError when nobody answers."""
    token = secrets.token_urlsafe(24)
    answer = await client.get(target.url, params={"crc_token": token})
    try:
        told = answer.json()["response_token"] if answer.status_code == 200 else ""
    except (ValueError, KeyError, TypeError):
        told = ""
    if isinstance(told, str) and signing.same(signing.base64_signature(target.secret, token.encode()), told):
        return "verified"
    return f"the CRC was answered with HTTP {answer.status_code} and no right response_token"


async def until_verified(target: Target, verify_token: str, pause: float = 1.0) -> None:
    """Challenge the desk until it answers rightly; ``target.state`` tells how it goes."""
    async with httpx.AsyncClient(trust_env=False, verify=trusted(), timeout=5.0) as client:
        while target.state != "verified":
            try:
                if target.name == "x":
                    target.state = await challenge_x(client, target)
                else:
                    target.state = await challenge_meta(client, target, verify_token)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                target.state = f"waiting: the desk does not answer ({type(error).__name__})"
            if target.state != "verified":
                await asyncio.sleep(pause)
