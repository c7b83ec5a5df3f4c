"""``python -m benchmarks.seats '{"count": N}'`` (inside a Parlour's settings): N agents who are signed in; prints their session keys."""

from __future__ import annotations

from benchmarks.inside import answer, begin


def main() -> None:
    given = begin()
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import transaction

    from parlour.staff import actions
    from parlour.staff.models import Presence

    keys = []
    with transaction.atomic():
        for number in range(given["count"]):
            agent = actions.add_agent(f"seat{number}@example.com", f"Seat {number}", "agent", ["Care"])
            actions.set_presence(agent, Presence.ONLINE)
            session = SessionStore()
            session[SESSION_KEY] = str(agent.pk)
            session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
            session[HASH_SESSION_KEY] = agent.get_session_auth_hash()
            session.create()
            keys.append(session.session_key)
    answer([f"{settings.SESSION_COOKIE_NAME}={key}" for key in keys])


if __name__ == "__main__":
    main()
