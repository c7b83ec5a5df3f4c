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
    AWAY = "away", "Away"
    OFFLINE = "offline", "Offline"


class AgentQuery(BaseUserManager["Agent"]):
    def get_by_natural_key(self, username: str | None) -> Agent:
        return self.get(email__iexact=username)


class Team(models.Model):
    """A group of agents that cases are routed to."""

    name = models.CharField(max_length=80, unique=True)
    categories = models.JSONField(default=list)
    """Category slugs this team takes; an empty list takes what no other team does."""

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
    """How many open cases this agent may be given at a time."""
    presence = models.CharField(max_length=8, choices=Presence.choices, default=Presence.OFFLINE)
    seen_at = models.DateTimeField(null=True, blank=True)
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
