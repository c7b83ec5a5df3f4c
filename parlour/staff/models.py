"""People who work in the desk, their teams and their keys."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from parlour.lib import clock


class Role(models.TextChoices):
    ADMIN = "admin", "Administrator"
    LEAD = "lead", "Team lead"
    AGENT = "agent", "Agent"
    ANALYST = "analyst", "Analyst"


class Presence(models.TextChoices):
    ONLINE = "online", "Online"
    FULL = "full", "Full"
    """At work, and wants no more for now."""
    WRAP_UP = "wrap-up", "Wrapping up"
    """Writes up what came before; ends by itself at ``Agent.presence_until``."""
    AWAY = "away", "Away"
    OFFLINE = "offline", "Offline"


class Strategy(models.TextChoices):
    """How a team chooses among agents who could take a case."""

    LEAST = "least", "Whoever has the most room"
    ROBIN = "robin", "One after the other"


class AgentQuery(BaseUserManager["Agent"]):
    def get_by_natural_key(self, username: str | None) -> Agent:
        return self.get(email__iexact=username)


def service_only() -> list[str]:
    return ["service"]


class Team(models.Model):
    """A group of agents that cases are routed to. Of lists that say what it takes, an empty one sets no limit."""

    name = models.CharField(max_length=80, unique=True)
    active = models.BooleanField(default=True)
    """A closed team takes nothing; it is kept for the record."""
    categories = models.JSONField(default=list)
    """Category slugs this team takes; an empty list takes what no other team does."""
    purposes = models.JSONField(default=service_only)
    """``service``, ``marketing``, ``delight``."""
    languages = models.JSONField(default=list)
    """ISO 639-1."""
    channels = models.JSONField(default=list)
    brands = models.JSONField(default=list)
    """Ids of brands."""
    skills = models.JSONField(default=dict)
    """Skill -> the least level (1..5) that its cases ask of an agent."""
    strategy = models.CharField(max_length=8, choices=Strategy.choices, default=Strategy.LEAST)
    pushes = models.BooleanField(default=True)
    """Whether cases are given out; otherwise agents pull the next one."""
    overflow = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="helps")
    """Who helps out when nobody here had room for ``overflow_minutes``."""
    overflow_minutes = models.PositiveIntegerField(default=15)
    hours = models.CharField(max_length=40, default="", blank=True)
    """Key of a calendar of the service levels: outside its hours the team is given nothing. Empty: around the clock."""
    wrap_up_seconds = models.PositiveIntegerField(default=0)
    """How long an agent who has resolved one of its cases is given nothing."""

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Agent(AbstractBaseUser):
    """A person with a seat in the desk."""

    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=80)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.AGENT)
    teams = models.ManyToManyField(Team, related_name="agents", blank=True)
    capacity = models.PositiveSmallIntegerField(default=20)
    """How much this agent may be given at a time: open cases, each counting what its channel weighs (1 unless routing says otherwise)."""
    skills = models.JSONField(default=dict)
    """Skill -> level, 1..5."""
    languages = models.JSONField(default=list)
    """ISO 639-1; whoever names none is given cases in any."""
    presence = models.CharField(max_length=8, choices=Presence.choices, default=Presence.OFFLINE)
    presence_until = models.DateTimeField(null=True, blank=True)
    """When wrapping up ends and they are online again."""
    seen_at = models.DateTimeField(null=True, blank=True)
    gave_back = models.BooleanField(default=False)
    """What waited with them went back to the queue when they left; they have not been here since."""
    given_at = models.DateTimeField(null=True, blank=True)
    """When a team that goes one after the other last gave them a case."""
    theme = models.CharField(max_length=8, default="auto")
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now)

    objects = AgentQuery()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="agent_email_once")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.email = self.email.strip()

    # Django's auth asks for these; rights are decided in ``staff.access``.
    @property
    def is_staff(self) -> bool:
        return False

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False


class SignInLink(models.Model):
    """A one-time way in; only the hash of its secret is kept."""

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Token(models.Model):
    """A bearer token of the API; only its hash is kept."""

    name = models.CharField(max_length=80)
    role = models.CharField(max_length=16, choices=Role.choices)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=clock.now)
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
