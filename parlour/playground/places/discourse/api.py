"""The forum's API as far as the stand-in has it, with its refusals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from parlour.playground.multipart import parts
from parlour.playground.places.discourse.objects import (
    LONGEST,
    SHORTEST,
    SHORTEST_PRIVATE,
    USER_FIELDS,
    ForumError,
    Post,
    Topic,
    User,
    about_topic,
    about_user,
    not_found,
    shown,
    uploads,
)
from parlour.playground.shelf import File
from parlour.playground.web import Reply, Request, Router, json_reply

if TYPE_CHECKING:
    from parlour.playground.places.discourse import Discourse

Params = dict[str, Any]
PAGE, FIRST = 50, 20
SIMILAR_SECONDS = 300
UPLOAD = 4 * 1024 * 1024
LIKE, FLAGS = 2, (3, 4, 7, 8)


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise not_found() from error


class Api:
    """``perform`` answers one request with what is to be told, or raises ForumError."""

    def __init__(self, place: Discourse) -> None:
        self.place = place
        self.files: dict[str, File] = {}
        """By the name the forum gave."""
        self.routes = Router()
        for method, pattern, handler in (
            ("POST", "/posts.json", self._create),
            ("GET", "/posts.json", self._latest),
            ("GET", "/posts/by_number/{topic}/{number}.json", self._by_number),
            ("GET", "/posts/{post}.json", self._post),
            ("PUT", "/posts/{post}.json", self._edit),
            ("DELETE", "/posts/{post}.json", self._delete),
            ("PUT", "/posts/{post}/unhide.json", self._unhide),
            ("POST", "/post_actions.json", self._action),
            ("DELETE", "/post_actions/{post}.json", self._undo),
            ("GET", "/u/{username}.json", self._user),
            ("GET", "/admin/users/{number}.json", self._admin),
            ("GET", "/site.json", self._site),
            ("GET", "/notifications.json", lambda *_: {"notifications": [], "total_rows_notifications": 0}),
            ("GET", "/topics/private-messages/{username}.json", self._messages),
            ("GET", "/t/{topic}/posts.json", self._posts),
            ("GET", "/t/{topic}.json", self._topic),
        ):
            self.routes.add(method, pattern, handler)

    def perform(self, request: Request, user: User) -> Any:
        if (request.method, request.path) == ("POST", "/uploads.json"):
            return self._upload(request)
        try:
            params = request.params()
        except ValueError as error:
            raise ForumError(400, "The body is no JSON.", "invalid_parameters") from error
        params["post_ids[]"] = [value for name, value in request.pairs if name == "post_ids[]"]
        self.place.requests.append((request.method, request.path, params))
        found = self.routes.find(request.method, request.path)
        if found is None:
            raise not_found()
        handler, names = found
        return handler(user, params, **names)

    # Writing

    def _create(self, user: User, params: Params) -> dict[str, Any]:
        raw = str(params.get("raw") or "").strip()
        private = params.get("archetype") == "private_message"
        topic = None
        if params.get("topic_id") is not None:
            topic = self._known_topic(_number(params["topic_id"]))
            private = topic.private
        self._check(user, raw, private=private)
        if topic is not None:
            return self._reply(user, topic, raw, params.get("reply_to_post_number"))
        title = str(params.get("title") or "")
        if len(title) < 2 or len(title) > 255:
            raise ForumError(422, "Title is too short (minimum is 2 characters)")
        if not private:
            return shown(self.place.begin(user, title, raw))
        people = [self.place.named(name) for name in str(params.get("target_recipients") or "").split(",")]
        known = [one for one in people if one is not None]
        if not known or len(known) < len(people):
            raise ForumError(422, "You must select a valid user.")
        if any(not one.accepts for one in known):
            raise ForumError(422, "Sorry, you cannot send a personal message to that user.")
        made = self.place.begin(user, title, raw, private=True, people=tuple(one.id for one in known))
        return shown(made)

    def _check(self, user: User, raw: str, *, private: bool) -> None:
        least = SHORTEST_PRIVATE if private else SHORTEST
        if len(raw) < least:
            raise ForumError(422, f"Body is too short (minimum is {least} characters)")
        if len(raw) > LONGEST:
            raise ForumError(422, f"Body is limited to {LONGEST} characters; you entered {len(raw)}.")
        now = self.place.clock.now()
        mine = [post for post in self.place.posts.values() if post.user is user and post.raw.strip() == raw]
        if any((now - post.at).total_seconds() < SIMILAR_SECONDS for post in mine):
            raise ForumError(422, "Body is too similar to what you recently posted")

    def _reply(self, user: User, topic: Topic, raw: str, above: Any) -> dict[str, Any]:
        if topic.closed:
            raise ForumError(422, "This topic is closed; it no longer accepts new replies.")
        answers = None if above is None else _number(above)
        if self.place.moderated:
            self.place.queue.append((topic, user, raw, answers))
            pending = {"id": len(self.place.queue), "raw": raw}
            return {
                "success": True,
                "action": "enqueued",
                "pending_count": len(self.place.queue),
                "pending_post": pending,
            }
        return shown(self.place.post(topic, user, raw, answers))

    def _upload(self, request: Request) -> dict[str, Any]:
        part = parts(request).get("file")
        if part is None or not part.content:
            raise ForumError(422, "You must select a file.")
        if len(part.content) > UPLOAD:
            raise ForumError(413, "Sorry, that file is too big (maximum size is 4 MB).")
        file = self.place.shelf.put(part.filename, part.mime, part.content)
        name = self._keep(file)
        about = {"id": self.place.number(), "url": f"/uploads/short-url/{name}", "short_url": f"upload://{name}"}
        return {**about, "original_filename": part.filename, "filesize": len(part.content)}

    def _keep(self, file: File) -> str:
        name = f"{self.place.ids.meta()}.{re.sub(r'[^a-z0-9]', '', file.name.rpartition('.')[2].lower())[:8] or 'bin'}"
        self.files[name] = file
        return name

    def link(self, file: File) -> str:
        """The Markdown that shows a file in a post."""
        name = self._keep(file)
        plain = re.sub(r"[\[\]|()]", " ", file.name)
        return f"![{plain}](upload://{name})" if file.is_picture else f"[{plain}|attachment](upload://{name})"

    def shown(self, raw: str) -> tuple[File, ...]:
        """The files of a post."""
        return tuple(self.files[name] for name in uploads(raw) if name in self.files)

    def download(self, path: str) -> Reply:
        found = self.files.get(path.rpartition("/")[2])
        if found is None:
            return json_reply(not_found().answer, 404)
        return Reply(200, found.content, {"content-type": found.mime})

    # Posts that are there

    def _known_topic(self, topic_id: int) -> Topic:
        topic = self.place.topics.get(topic_id)
        if topic is None and self.place.forgiving:
            topic = self.place.topics[topic_id] = Topic(topic_id, "A topic of earlier", False, None, first=1000)
        if topic is None or (all(post.deleted for post in self.place.of(topic)) and not self.place.forgiving):
            raise not_found()
        return topic

    def _known(self, post_id: str) -> Post:
        post = self.place.posts.get(_number(post_id))
        if post is None or post.deleted:
            raise not_found()
        return post

    def _by_number(self, user: User, params: Params, topic: str, number: str) -> dict[str, Any]:
        try:
            return shown(self.place.find(f"{topic}:{number}"))
        except KeyError as error:
            raise not_found() from error

    def _post(self, user: User, params: Params, post: str) -> dict[str, Any]:
        return shown(self._known(post))

    def _edit(self, user: User, params: Params, post: str) -> dict[str, Any]:
        found, told = self._known(post), params.get("post")
        raw = str(told.get("raw") or "").strip() if isinstance(told, dict) else ""
        self._check(user, raw, private=found.topic.private)
        self.place.change(found, raw)
        return {"post": shown(found)}

    def _moderator(self, user: User) -> None:
        if not user.staff:
            raise ForumError(403, "You are not permitted to view the requested resource.", "invalid_access")

    def _delete(self, user: User, params: Params, post: str) -> dict[str, Any]:
        found = self._known(post)
        if found.user is not user:
            self._moderator(user)
        self.place.delete(found)
        return {}

    def _unhide(self, user: User, params: Params, post: str) -> dict[str, Any]:
        self._moderator(user)
        self._hide(self._known(post), hidden=False)
        return {"success": "OK"}

    def _hide(self, post: Post, *, hidden: bool) -> None:
        post.hidden = self.place.words[post.key].hidden = hidden

    def _action(self, user: User, params: Params) -> dict[str, Any]:
        post, kind = self._known(str(params.get("id"))), _number(params.get("post_action_type_id"))
        if kind == LIKE:
            if user.id in post.likes or post.user is user:
                raise ForumError(403, "You are not permitted to view the requested resource.", "invalid_access")
            post.likes.add(user.id)
        elif kind in FLAGS:
            if str(params.get("take_action")).lower() == "true":
                self._moderator(user)
                self._hide(post, hidden=True)
        else:
            raise ForumError(400, "The parameter post_action_type_id is invalid.", "invalid_parameters")
        return shown(post)

    def _undo(self, user: User, params: Params, post: str) -> dict[str, Any]:
        found = self._known(post)
        if user.id not in found.likes:
            raise not_found()
        found.likes.discard(user.id)
        return shown(found)

    # Looking

    def _latest(self, user: User, params: Params) -> dict[str, Any]:
        """Public posts, the newest first. With ``before`` only the fifty ids below it are looked at, whatever is there."""
        before = _number(params["before"]) if params.get("before") else None
        posts = [
            one for one in self.place.posts.values() if not one.topic.private and not one.deleted and one.kind == 1
        ]
        if before is not None:
            posts = [one for one in posts if before - PAGE < one.id <= before]
        posts.sort(key=lambda one: -one.id)
        told = [shown(one) for one in posts[:PAGE]]
        for one in told:
            del one["topic_archetype"]
        return {"latest_posts": told}

    def _messages(self, user: User, params: Params, username: str) -> dict[str, Any]:
        topics = [one for one in self.place.topics.values() if one.private and user.id in one.people]
        told = [
            about_topic(one, posts) for one in topics if (posts := [p for p in self.place.of(one) if not p.deleted])
        ]
        told.sort(key=lambda one: str(one["last_posted_at"]), reverse=True)
        return {"users": [], "topic_list": {"per_page": 30, "topics": told[:30]}}

    def _readable(self, user: User, topic_id: str) -> tuple[Topic, list[Post]]:
        topic = self.place.topics.get(_number(topic_id))
        if topic is None or (topic.private and user.id not in topic.people):
            raise not_found()
        return topic, [post for post in self.place.of(topic) if not post.deleted]

    def _of_stream(self, post: Post, params: Params) -> dict[str, Any]:
        told = shown(post)
        for name in ("topic_archetype", "topic_title", "category_id"):
            del told[name]
        if str(params.get("include_raw", "")).lower() != "true":
            del told["raw"]
        return told

    def _topic(self, user: User, params: Params, topic: str) -> dict[str, Any]:
        found, posts = self._readable(user, topic)
        stream = {"posts": [self._of_stream(one, params) for one in posts[:FIRST]], "stream": [one.id for one in posts]}
        return {**about_topic(found, posts), "post_stream": stream}

    def _posts(self, user: User, params: Params, topic: str) -> dict[str, Any]:
        found, posts = self._readable(user, topic)
        wanted = {str(one) for one in params["post_ids[]"]}
        told = [self._of_stream(one, params) for one in posts if str(one.id) in wanted]
        return {"id": found.id, "post_stream": {"posts": told}}

    def _user(self, user: User, params: Params, username: str) -> dict[str, Any]:
        found = self.place.named(username)
        if found is None:
            raise not_found()
        return {"user": about_user(found)}

    def _admin(self, user: User, params: Params, number: str) -> dict[str, Any]:
        self._moderator(user)
        found = self.place.users.get(number)
        if found is None:
            raise not_found()
        record = {"external_id": found.external_id} if found.external_id else None
        fields = {number: found.fields.get(number) for number in USER_FIELDS}
        email = f"{found.username}@example.com"
        return {**about_user(found), "email": email, "single_sign_on_record": record, "user_fields": fields}

    def _site(self, user: User, params: Params) -> dict[str, Any]:
        return {"user_fields": [{"id": int(number), "name": name} for number, name in USER_FIELDS.items()]}
