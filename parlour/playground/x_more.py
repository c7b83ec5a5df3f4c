"""What else X's API has for a brand: uploads of files, renewing access, and searching recent posts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from parlour.playground.ids import Ids, PlatformClock
from parlour.playground.multipart import parts
from parlour.playground.web import Reply, Request, json_reply
from parlour.playground.x_events import Tweet

CATEGORIES = {
    f"{place}_{kind}": most * 1024 * 1024
    for place in ("tweet", "dm")
    for kind, most in (("image", 5), ("gif", 15), ("video", 512))
}
_TERM = re.compile(r'-?[\w.]+:[^\s()]+|-?"[^"]*"|[()]|[^\s()]+')


@dataclass(slots=True)
class Upload:
    """A file the brand has given X."""

    id: str
    category: str
    name: str = ""
    mime: str = ""
    content: bytearray = field(default_factory=bytearray)
    total: int = 0
    ready: bool = False


@dataclass(slots=True)
class Uploads:
    """The files given so far, by id."""

    ids: Ids
    clock: PlatformClock
    kept: dict[str, Upload] = field(default_factory=dict)

    def handle(self, request: Request, path: str) -> Reply | str:
        """The answer, or words about what is wrong with the request."""
        steps = path.removeprefix("/media/upload").strip("/").split("/")
        if request.method == "GET":
            upload = self.kept.get(request.query.get("media_id", ""))
            return self._told(upload) if upload else "There is no such media."
        if steps == [""]:
            form = parts(request)
            upload = self._begun(form["media_category"].text if "media_category" in form else "")
            if upload is None or "media" not in form or not form["media"].content:
                return "`media` and a known `media_category` are required."
            upload.name, upload.mime = form["media"].filename, form["media"].mime
            upload.content += form["media"].content
            return self._finished(upload)
        if steps == ["initialize"]:
            told = request.json()
            upload = self._begun(str(told.get("media_category")))
            if upload is None or not isinstance(total := told.get("total_bytes"), int) or not told.get("media_type"):
                return "`media_type`, `total_bytes` and a known `media_category` are required."
            upload.total, upload.mime = total, str(told["media_type"])
            return json_reply({"data": {"id": upload.id, "media_key": f"7_{upload.id}", "expires_after_secs": 86_400}})
        upload = self.kept.get(steps[0])
        if upload is None or len(steps) != 2:
            return "There is no such media."
        if steps[1] == "append":
            form = parts(request)
            if "media" not in form or "segment_index" not in form or not form["segment_index"].text.isdigit():
                return "`media` and `segment_index` are required."
            upload.name = form["media"].filename
            upload.content += form["media"].content
            return json_reply({"data": {"expires_at": int(self.clock.now().timestamp()) + 86_400}})
        if len(upload.content) != upload.total:
            return "The media is not whole: its size is not `total_bytes`."
        return self._finished(upload)

    def known(self, media_ids: object, place: str) -> bool:
        """Whether all of these may go with a post (``tweet``) or a message (``dm``)."""
        if not isinstance(media_ids, list) or not 1 <= len(media_ids) <= 4:
            return False
        found = [self.kept.get(one) for one in media_ids if isinstance(one, str)]
        return len(found) == len(media_ids) and all(
            one is not None and one.ready and one.category.startswith(place) for one in found
        )

    def _begun(self, category: str) -> Upload | None:
        if category not in CATEGORIES:
            return None
        upload = Upload(self.ids.x(self.clock.now()), category)
        self.kept[upload.id] = upload
        return upload

    def _finished(self, upload: Upload) -> Reply | str:
        if len(upload.content) > CATEGORIES[upload.category]:
            return "The media is too large."
        upload.ready = not upload.category.endswith("video")
        return self._told(upload)

    def _told(self, upload: Upload) -> Reply:
        """A video is ready when it is asked about a second time."""
        told: dict[str, Any] = {"id": upload.id, "media_key": f"3_{upload.id}", "size": len(upload.content)}
        if upload.category.endswith("video"):
            told["processing_info"] = (
                {"state": "succeeded", "progress_percent": 100}
                if upload.ready
                else {"state": "in_progress", "progress_percent": 50, "check_after_secs": 0}
            )
            upload.ready = True
        return json_reply({"data": told})


@dataclass(slots=True)
class Access:
    """The account's tokens: a refresh token serves once and brings the next."""

    token: str
    client_id: str = "x-client-id"
    client_secret: str = "x-client-secret"  # noqa: S105
    refresh_token: str = "x-refresh-token-0"  # noqa: S105
    renewals: int = 0
    codes: dict[str, str] = field(default_factory=dict)
    """Code of somebody who agreed -> the challenge it was asked with."""

    def agree(self, challenge: str) -> str:
        """The account's owner agrees at X; the code their browser brings back."""
        code = f"code-{len(self.codes)}-{self.renewals}"
        self.codes[code] = challenge
        return code

    def expire(self) -> None:
        """The access token serves no more; a new one must be fetched."""
        self.token = f"{self.token.partition('+')[0]}+{self.renewals}-expired"

    def exchange(self, request: Request) -> Reply:
        form = request.form()
        scheme, _, told = request.headers.get("authorization", "").partition(" ")
        expected = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        if scheme != "Basic" or not hmac.compare_digest(told, expected):
            wrong = {"error": "unauthorized_client", "error_description": "Missing valid authorization header"}
            return json_reply(wrong, 401)
        renewing = form.get("grant_type") == "refresh_token" and form.get("refresh_token") == self.refresh_token
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not renewing and self.codes.pop(form.get("code", ""), "") != proof:
            wrong = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
            return json_reply(wrong, 400)
        self.renewals += 1
        self.token = f"{self.token.partition('+')[0]}+{self.renewals}"
        self.refresh_token = f"x-refresh-token-{self.renewals}"
        fresh = {"access_token": self.token, "refresh_token": self.refresh_token}
        return json_reply({"token_type": "bearer", "expires_in": 7200, "scope": "tweet.read offline.access", **fresh})


def matches(query: str, tweet: Tweet) -> bool:
    """Whether a post fits a search: words and phrases, OR, brackets, ``from:``, ``lang:`` (not looked at), ``-`` for not."""
    terms = _TERM.findall(query)
    return _any(terms, tweet)


def too_old(since_id: str, clock: PlatformClock) -> bool:
    """Whether an id lies before the seven days a search looks back."""
    began = clock.now() - timedelta(days=7)
    return int(since_id) >> 22 < int(began.timestamp() * 1000) - 1_288_834_974_657


def _any(terms: list[str], tweet: Tweet) -> bool:
    """Reads ``terms`` up to a closing bracket."""
    found, all_so_far = False, True
    while terms and terms[0] != ")":
        term = terms.pop(0)
        if term == "OR":
            found, all_so_far = found or all_so_far, True
        elif term == "(":
            all_so_far = _any(terms, tweet) and all_so_far
            if terms:
                terms.pop(0)
        else:
            all_so_far = _fits(term, tweet) and all_so_far
    return found or all_so_far


def _fits(term: str, tweet: Tweet) -> bool:
    if term.startswith("-"):
        return not _fits(term[1:], tweet)
    name, colon, value = term.partition(":")
    if colon and name == "from":
        return value.lower().lstrip("@") in (tweet.author.id, tweet.author.username.lower())
    if colon and name in ("is", "has"):
        return False
    if colon and name == "lang":
        return True
    return term.strip('"').lower() in tweet.text.lower()
