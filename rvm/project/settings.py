"""Django settings, all from environment variables; .env.example lists and explains every variable.

`RVM_ENVIRONMENT` defaults to `production`, which has no insecure defaults: all missing or malformed variables are reported together,
and no process starts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from marshmallow.validate import OneOf, Range

import rvm.platform.times.tz_database  # noqa: F401  # makes zoneinfo read every zone from the pinned tzdata package
from delivery.runtime.deadlines import job_timeouts
from rvm.platform.observability.logs import logging_config
from rvm.project.environment import (
    DATABASE_RULE,
    PUBLIC_RULE,
    REDIS_RULE,
    FileEnv,
    Secret,
    hide_passwords,
    is_guarded_database,
    is_guarded_redis,
    is_public_address,
    parse_key_ring,
    require,
    seal,
)
from rvm.project.navigation import UNFOLD as UNFOLD

BASE_DIR = Path(__file__).resolve().parents[2]

env = FileEnv()
env.add_parser("key_ring", parse_key_ring)
env.add_parser("optional_key_ring", lambda value, **_: parse_key_ring(value) if value else None)
RVM_ENVIRONMENT = env.str("RVM_ENVIRONMENT", "production", validate=OneOf(["production", "development", "test"]))
PRODUCTION = RVM_ENVIRONMENT not in ("development", "test")
DEVELOPMENT = RVM_ENVIRONMENT == "development"


def local(value: Any) -> dict[str, Any]:
    """Arguments with a default value outside production; in production the variable is required."""
    return {} if PRODUCTION else {"default": value}


def in_production(rule: str, holds: Callable[[Any], bool]) -> Callable[[Any], None]:
    """A validator that binds production only."""
    return require(rule, lambda value: not PRODUCTION or holds(value))


_LONG = require("at least 50 characters", lambda value: len(value) >= 50)
_EACH_LONG = require(
    "at least 50 characters each, separated by commas", lambda values: all(len(value) >= 50 for value in values)
)

with env.prefixed("RVM_"):
    SECRET_KEY = Secret(env.str("SECRET_KEY", validate=_LONG) or "")
    # Earlier secret keys: they sign nothing, and what they signed holds.
    SECRET_KEY_FALLBACKS = list(map(Secret, env.list("SECRET_KEY_FALLBACKS", [], validate=_EACH_LONG) or ()))
    RVM_ENCRYPTION_KEYS = env.key_ring("ENCRYPTION_KEYS", random=PRODUCTION)
    RVM_INDEX_KEYS = env.key_ring(
        "INDEX_KEYS", random=PRODUCTION, apart_from={"RVM_ENCRYPTION_KEYS": RVM_ENCRYPTION_KEYS}
    )
    # Made from index keys that are no longer listed; they verify the audit and find no number.
    RVM_AUDIT_KEYS = env.optional_key_ring("AUDIT_KEYS", "")
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", **local(["127.0.0.1", "localhost", "testserver"]))
    # Browsers and programs reach this address.
    RVM_PUBLIC_URL = env.str(
        "PUBLIC_URL", **local("http://127.0.0.1:8000"), validate=in_production(PUBLIC_RULE, is_public_address)
    )
    # Carriers reach this one, to report and to fetch recordings, so that the other need not be open to them, and where no proxy leads
    # them from it to the web processes of their own.
    RVM_CARRIERS_URL = env.str(
        "CARRIERS_URL",
        "",
        validate=in_production(f"empty, or {PUBLIC_RULE}", lambda url: not url or is_public_address(url)),
    )
    MEDIA_ROOT = env.str("MEDIA_ROOT", **local(str(BASE_DIR / ".rvm" / "media")))
    RVM_LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
    RVM_LOG_FORMAT = env.str("LOG_FORMAT", "json", validate=OneOf(["json", "console"]))
    # A complete exchange with a carrier, from the connection to the last byte of the response.
    RVM_CARRIER_TIMEOUT_SECONDS = env.int("CARRIER_TIMEOUT_SECONDS", 15, validate=Range(1, 120))
    # Hosts, optionally with a port, where a simulated carrier may listen. Setups cannot make workers call other hosts.
    RVM_SANDBOX_HOSTS = env.list(
        "SANDBOX_HOSTS", ["127.0.0.1:8800", "localhost:8800"] if PRODUCTION else ["127.0.0.1", "localhost", "::1"]
    )
    # Users may name this machine, over http too, as the address of a file.
    RVM_OUTBOUND_LOOPBACK = not PRODUCTION
    # Allows other machines to read /metrics; without it only the local machine may.
    RVM_METRICS_TOKEN = Secret(
        env.str(
            "METRICS_TOKEN",
            "",
            validate=require("empty, or at least 20 characters", lambda value: not 0 < len(value) < 20),
        )
    )
    # Proxies of the deployment that add the address they see to X-Forwarded-For; 0 if clients connect directly.
    RVM_PROXIES = env.int("PROXIES", 1 if PRODUCTION else 0, validate=Range(0, 10))
    # Browsers use HTTPS only for the subdomains of the public address too; with preload the operator may enter the domain in the list
    # that browsers carry, from which it is removed within months only.
    RVM_HSTS_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", True)
    RVM_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", False)
    # People who have no second factor enrol one before any page of the desk is served to them.
    RVM_REQUIRE_SECOND_FACTOR = env.bool("REQUIRE_SECOND_FACTOR", PRODUCTION)
    # The identity provider by which people sign in, as it calls itself in its configuration; empty for none.
    RVM_OIDC_ISSUER = env.str(
        "OIDC_ISSUER",
        "",
        validate=in_production(
            "an address that begins with https://", lambda value: not value or value.startswith("https://")
        ),
    )
    _only_with_it: dict[str, Any] = {} if RVM_OIDC_ISSUER else {"default": ""}
    _OIDC_CLIENT_ID = env.str("OIDC_CLIENT_ID", **_only_with_it)
    _OIDC_CLIENT_SECRET = Secret(env.str("OIDC_CLIENT_SECRET", ""))
    _OIDC_NAME = env.str("OIDC_NAME", "single sign-on")
    # Passwords then work for superusers only.
    RVM_OIDC_ONLY = env.bool("OIDC_ONLY", False)
    # The provider asks everybody for a second factor, also if it does not say so of each sign-in.
    RVM_OIDC_SECOND_FACTOR = env.bool("OIDC_SECOND_FACTOR", False)
    # Longer than an exchange, so that the worker of an expired lease has finished or died.
    RVM_LEASE_SECONDS = env.int(
        "LEASE_SECONDS",
        45,
        validate=require(
            f"from {(RVM_CARRIER_TIMEOUT_SECONDS or 0) + 3} (RVM_CARRIER_TIMEOUT_SECONDS and 3 more) to 600 seconds",
            lambda value: (RVM_CARRIER_TIMEOUT_SECONDS or 0) + 3 <= value <= 600,
        ),
    )
    # The time for which a job sends or merges; after it, the job enqueues a wake-up if work is left.
    RVM_DISPATCH_SECONDS = env.int("DISPATCH_SECONDS", 30, validate=Range(1, 120))
    # Messages to people about their accounts; without a server of e-mail, administrators hand out links instead.
    _EMAIL = env.dj_email_url("EMAIL_URL", "dummy:" if PRODUCTION else "console:")
    DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", f"rvm@{urlsplit(RVM_PUBLIC_URL or '').hostname}")
    # A person who does nothing for so long is signed out; HIPAA's automatic logoff.
    RVM_SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", 720 if DEVELOPMENT else 15, validate=Range(2, 720))
    # Everybody signs in again after so long.
    RVM_SESSION_HOURS = env.int("SESSION_HOURS", 336 if DEVELOPMENT else 12, validate=Range(1, 336))
    # The most requests in flight of one setup from one worker process; delivery.engine.shares adds places for others.
    RVM_CONCURRENCY = env.int("CONCURRENCY", 256, validate=Range(1, 2000))
    # In which people see times if neither they nor their workspaces have a time zone of their own.
    RVM_TIME_ZONE = env.str(
        "TIME_ZONE",
        "America/New_York",
        validate=require("a time zone, such as America/Chicago", lambda name: name in available_timezones()),
    )
    # Streams of events of one web process (rvm/platform/events/streams.py); its connections in all are 900.
    RVM_MAX_STREAMS = env.int("MAX_STREAMS", 100, validate=Range(1, 500))
    # Quotas of a workspace that has none of its own (rvm/platform/quotas.py).
    RVM_MAX_SOUNDS = env.int("MAX_SOUNDS", 100_000, validate=Range(0))
    RVM_MAX_SOUNDS_MEGABYTES = env.int("MAX_SOUNDS_MEGABYTES", 5_000, validate=Range(0))
    RVM_MAX_LISTS = env.int("MAX_LISTS", 200, validate=Range(0))
    RVM_MAX_LISTS_MEGABYTES = env.int("MAX_LISTS_MEGABYTES", 5_000, validate=Range(0))
REDIS_URL = Secret(env.str("REDIS_URL", validate=in_production(REDIS_RULE, is_guarded_redis)) or "")
# A missing one is reported below.
env.str("DATABASE_URL", "postgresql:///", validate=in_production(DATABASE_RULE, is_guarded_database))
DATABASES = {
    "default": env.dj_db_url(
        "DATABASE_URL", conn_max_age=60, conn_health_checks=True, engine="rvm.platform.database.backend"
    )
}
# The role that owns the tables, where it is another than that of the processes.
_owner_url = env.str(
    "RVM_MIGRATIONS_DATABASE_URL",
    "",
    validate=in_production(DATABASE_RULE, lambda url: not url or is_guarded_database(url)),
)
RVM_MIGRATIONS_DATABASE = env.dj_db_url("RVM_MIGRATIONS_DATABASE_URL") if _owner_url else None
seal(env)
for _database in filter(None, (DATABASES["default"], RVM_MIGRATIONS_DATABASE)):
    hide_passwords(_database)
RVM_PUBLIC_URL = RVM_PUBLIC_URL.rstrip("/")
RVM_CARRIERS_URL = RVM_CARRIERS_URL.rstrip("/")
# An unreachable PostgreSQL is given up within seconds, both while connecting and later: /readyz must respond, and workers continue.
# rvm.platform.database.session applies further settings after connecting.
DATABASES["default"]["OPTIONS"] = {
    "connect_timeout": 2,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    # Django disables prepared statements. With them, the engine's statements are planned once per connection instead of at every
    # turn (rvm/platform/database/sql.py).
    "prepare_threshold": 5,
    **DATABASES["default"].get("OPTIONS", {}),
}

EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT = (_EMAIL[f"EMAIL_{part}"] for part in ("BACKEND", "HOST", "PORT"))
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _EMAIL["EMAIL_HOST_USER"] or "", Secret(_EMAIL["EMAIL_HOST_PASSWORD"] or "")
EMAIL_USE_SSL, EMAIL_USE_TLS = _EMAIL["EMAIL_USE_SSL"], _EMAIL["EMAIL_USE_TLS"]
EMAIL_FILE_PATH = _EMAIL["EMAIL_FILE_PATH"]
# A silent server must not hold a web process.
EMAIL_TIMEOUT = _EMAIL["EMAIL_TIMEOUT"] or 10
RVM_SENDS_EMAIL = not EMAIL_BACKEND.endswith("dummy.EmailBackend")

DEBUG = False
ROOT_URLCONF = "rvm.project.urls"
WSGI_APPLICATION = "rvm.project.wsgi.application"
AUTH_USER_MODEL = "platform.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "rvm.project",
    "rvm.devtools",
    "rvm.simulators",
    "campaigns",
    "delivery",
    "usecases",
    "rvm.platform",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_rq",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
]

MIDDLEWARE = [
    "rvm.platform.observability.request_id.RequestIdMiddleware",
    "rvm.project.response_headers.ResponseHeadersMiddleware",
    "rvm.platform.audit.middleware.AuditMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "rvm.project.page_middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "rvm.project.page_middleware.AuthenticationMiddleware",
    "rvm.project.page_middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "rvm.platform.accounts.lost_forms.LostFormMiddleware",
    "rvm.platform.accounts.second_factor.guard.SecondFactorMiddleware",
    "rvm.platform.admin.people.time_zone.TimeZoneMiddleware",
    "rvm.platform.api.compatibility.prefix.CompatibilityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "rvm.platform.accounts.context.admin_site",
            ],
            "libraries": {"statuses": "delivery.admin.colours"},
        },
    }
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "rvm.platform.accounts.record.PasswordChangeRecorder"},
]
AUTHENTICATION_BACKENDS = ["rvm.platform.accounts.authentication.PasswordBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "rvm.platform.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "rvm.platform.accounts.adapter.SignInForm",
    "reset_password": "rvm.platform.accounts.forms.ResetPasswordForm",
}
# The backend finds an account by either, with one hash.
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[RVM] "
# A person learns of changes that somebody else made.
ACCOUNT_EMAIL_NOTIFICATIONS = True
# Of links to choose a password.
PASSWORD_RESET_TIMEOUT = 24 * 3600
# allauth counts in a cache, which each process has for itself; rvm.platform.accounts counts in PostgreSQL.
ACCOUNT_RATE_LIMITS = False
# Developers mistype passwords too, and nobody else tries them there.
RVM_SIGN_INS_LIMITED = not DEVELOPMENT
MFA_ADAPTER = "rvm.platform.accounts.second_factor.secrets.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "rvm.platform.accounts.second_factor.forms.SignInCodeForm",
    "reauthenticate": "rvm.platform.accounts.second_factor.forms.AgainCodeForm",
    "activate_totp": "rvm.platform.accounts.second_factor.forms.EnrolForm",
}
SOCIALACCOUNT_ADAPTER = "rvm.platform.accounts.single_sign_on.admission.AdmissionAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "provider_class": "rvm.platform.accounts.single_sign_on.provider.IdentityProvider",
        "APPS": [
            {
                "provider_id": "sso",
                "name": _OIDC_NAME,
                "client_id": _OIDC_CLIENT_ID,
                "secret": _OIDC_CLIENT_SECRET,
                "settings": {"server_url": f"{RVM_OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration"},
            }
        ]
        if RVM_OIDC_ISSUER
        else [],
    }
}
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Accounts have the address at which their person was invited.
MFA_ALLOW_UNVERIFIED_EMAIL = True

LANGUAGE_CODE = "en-us"
# Of machines; rvm.platform.times has that of people.
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = ["rvm.project.formats"]

STATIC_URL = "static/"
# Outside production, static files are served from the apps' folders, without collectstatic.
STATIC_ROOT = BASE_DIR / "staticfiles" if PRODUCTION else None
WHITENOISE_USE_FINDERS = not PRODUCTION
# Finds a file on request instead of scanning all folders at each start of a test client.
WHITENOISE_AUTOREFRESH = RVM_ENVIRONMENT == "test"
STORAGES = {
    # Recordings and lists, which no other account of the machine needs to find. Static files keep the process's umask.
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700},
    },
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
# One upload of 8 MB and its form. The upload handler limits the recording again while reading.
DATA_UPLOAD_MAX_MEMORY_SIZE = 9 * 1024 * 1024
# Hundreds of clips are uploaded at once; the upload handler limits their total size.
DATA_UPLOAD_MAX_NUMBER_FILES = 500
FILE_UPLOAD_HANDLERS = ["rvm.platform.uploads.BoundedMemoryUploadHandler"]

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# Behind a proxy on another port, the host that Django sees is not the one of the browser's address.
CSRF_TRUSTED_ORIGINS = [RVM_PUBLIC_URL]
SESSION_ENGINE = "rvm.platform.accounts.sessions"
SESSION_COOKIE_AGE = RVM_SESSION_HOURS * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    # Probes of load balancers use plain HTTP.
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = RVM_HSTS_SUBDOMAINS
    SECURE_HSTS_PRELOAD = RVM_HSTS_PRELOAD
    # Of these two an operator decides, who knows the domain.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

# Each process caches for itself, because a cache in Redis would unpickle what Redis holds. What several processes must know is in
# PostgreSQL.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# Jobs are wake-ups in JSON that contain ids only and return no result.
_TIMEOUTS = job_timeouts(work=RVM_DISPATCH_SECONDS, exchange=RVM_CARRIER_TIMEOUT_SECONDS)
RQ_QUEUES: dict[str, dict[str, Any]] = {
    name: {
        "URL": REDIS_URL,
        "DEFAULT_TIMEOUT": seconds,
        "DEFAULT_RESULT_TTL": 0,
        "SERIALIZER": "rq.serializers.JSONSerializer",
    }
    for name, seconds in _TIMEOUTS.items()
}
RQ = {"COMMIT_MODE": "auto", "JOB_CLASS": "rq.job.Job", "QUEUE_CLASS": "delivery.runtime.queues.WakeUpQueue"}
RQ_SHOW_ADMIN_LINK = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rvm.platform.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rvm.platform.api.permissions.WorkspaceScope"],
    "DEFAULT_RENDERER_CLASSES": ["rvm.platform.api.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rvm.platform.api.rendering.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "rvm.platform.api.schema.ApiSchema",
    "EXCEPTION_HANDLER": "rvm.platform.api.compatibility.responses.exception_handler",
    "UNAUTHENTICATED_USER": None,
    # ?format= is a parameter like any other: unknown, and said so.
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "RVM Platform API",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Leaves a recording in a person's voicemail box without ringing the phone, and says what became of it.",
    "OAS_VERSION": "3.1.0",
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "SERVERS": [{"url": RVM_PUBLIC_URL}],
    "TAGS": [
        {"name": "Voicemail", "description": "Send, follow, take back and retry voicemails."},
        {"name": "Recordings", "description": "What people hear."},
        {"name": "Clips", "description": "Pieces of sound that a campaign joins into a message for each person."},
        {"name": "Campaigns", "description": "One message for many people, on a schedule."},
        {"name": "Recipient imports", "description": "The lists of people whom a campaign reaches."},
        {
            "name": "Withdrawals",
            "description": "People who are taken out of a campaign, such as for canceled appointments.",
        },
        {"name": "Opt-out lists", "description": "Lists of people who must not be reached."},
        {"name": "Suppressions", "description": "Numbers that must not be reached."},
        {"name": "Consents", "description": "Who has agreed to be reached, and to what."},
        {"name": "People", "description": "What is known of the owner of a number, and its erasure."},
        {"name": "Use cases", "description": "Why people are reached, from which numbers, and when."},
        {"name": "Phone numbers", "description": "The numbers that people see as the caller."},
        {"name": "Telephony setups", "description": "Accounts at carriers."},
        {"name": "API keys", "description": "Keys of programs: make, rotate, revoke; and what the key itself may do."},
        {"name": "Events", "description": "Everything that happened, in one order, in pages and as a stream."},
        {"name": "Webhooks", "description": "Your own systems are told what happens, at addresses that you name."},
        {"name": "Audit", "description": "Who did what, and who saw what is known of people."},
        {"name": "Members", "description": "The people who work in the workspace."},
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/v1/\{workspace_id\}",
    "ENUM_NAME_OVERRIDES": {
        "Scope": "rvm.platform.scopes.Scope",
        "VoicemailStatus": "delivery.api.serializers.voicemails.VOICEMAIL_STATUSES",
        "VoicemailStatusWord": "delivery.api.reference_statuses.WORDS",
        "PhoneNumberStatus": "usecases.api.serializers.NUMBER_STATUSES",
        "DropStatus": "delivery.api.serializers.voicemails.DROP_STATUSES",
        "Reason": "campaigns.api.serializers.campaigns.REASONS",
        "CampaignState": "campaigns.api.serializers.campaigns.CAMPAIGN_STATES",
        "ImportState": "campaigns.api.serializers.imports.IMPORT_STATES",
        "ApprovalState": "campaigns.api.serializers.campaigns.APPROVAL_STATES",
        "ApprovalKind": "campaigns.api.serializers.campaigns.APPROVAL_KINDS",
        "RetryState": "campaigns.api.serializers.campaigns.RETRY_STATES",
        "OptOutListState": "campaigns.api.serializers.opt_outs.OPT_OUT_LIST_STATES",
        "WithdrawalState": "campaigns.api.serializers.withdrawals.WITHDRAWAL_STATES",
        "EventTypeName": "rvm.platform.webhooks.api.serializers.EVENT_TYPES",
        "WebhookSignature": "rvm.platform.webhooks.api.serializers.SIGNATURES",
        "WebhookDeliveryState": "rvm.platform.webhooks.api.serializers.DELIVERY_STATES",
        "WebhookDestinationState": "rvm.platform.webhooks.api.serializers.STATES",
        "Purpose": "usecases.consents.bases.PURPOSES",
        "Basis": "usecases.consents.bases.BASES",
        "ConsentBasis": "usecases.consents.bases.CONSENT_BASES",
        "StatedSuppressionReason": "usecases.api.suppression_serializers.STATED_REASONS",
        "SuppressionReason": "usecases.api.suppression_serializers.SUPPRESSION_REASONS",
        "SuppressionScope": "usecases.api.suppression_serializers.SUPPRESSION_SCOPES",
        "Guard": "delivery.api.serializers.eligibility.GUARDS",
        "ListFormat": "campaigns.api.serializers.uploaded_lists.LIST_FORMATS",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "rvm.platform.webhooks.api.document.add_headers",
    ],
    "WEBHOOKS": "rvm.platform.webhooks.api.document.WEBHOOKS",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}

LOGGING = logging_config(level=RVM_LOG_LEVEL, format=RVM_LOG_FORMAT)
