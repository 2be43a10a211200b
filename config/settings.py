"""Django's settings, made from config.environment. Looks at no environment variable itself and starts nothing."""

from pathlib import Path
from typing import Any

from environ import Env

from config import environment, keys, parsing
from syncjobs.supervision import broker

BASE_DIR = Path(__file__).resolve().parent.parent
ENVIRONMENT = environment.load(BASE_DIR)

# --- Ours: names other code uses ------------------------------------------------------------------------------------
SYNCDECK_DATA_DIR = ENVIRONMENT.data_dir
SYNCDECK_FILE_ROOTS = list(ENVIRONMENT.file_roots)
SYNCDECK_APPS = list(ENVIRONMENT.apps)
SYNCDECK_SECRET_KEYS = list(ENVIRONMENT.secret_keys) or [
    keys.load_or_create_key(SYNCDECK_DATA_DIR, "credentials.key", keys.generate_fernet_key)
]
SYNCDECK_QUEUES = list(ENVIRONMENT.queues)
SYNCDECK_DISPATCHER_SOCKET = broker.dispatcher_socket_path(SYNCDECK_DATA_DIR)
SYNCDECK_LEASE_SECONDS = ENVIRONMENT.lease_seconds
SYNCDECK_PROXIES = ENVIRONMENT.proxies
SYNCDECK_CRASH_AT = ENVIRONMENT.crash_at
WAREHOUSE_URL = ENVIRONMENT.warehouse_url
CHICAGO_API_TOKEN = ENVIRONMENT.chicago_api_token
LOG_DIR = ENVIRONMENT.log_dir
HOST = ENVIRONMENT.host
PORT = ENVIRONMENT.port

# `up --demo` notes where the sandbox listens, so that a command in another shell may reach exactly that address, too.
SANDBOX_ADDRESS_FILE = SYNCDECK_DATA_DIR / "sandbox.address"
SYNCDECK_NETWORK_ALLOW = list(ENVIRONMENT.network_allow)
if SANDBOX_ADDRESS_FILE.is_file():
    SYNCDECK_NETWORK_ALLOW += parsing.parse_network_allowance(SANDBOX_ADDRESS_FILE.read_text(encoding="ascii").strip())

# --- Django ---------------------------------------------------------------------------------------------------------
DEBUG = ENVIRONMENT.debug
SECRET_KEY = ENVIRONMENT.secret_key or keys.load_or_create_key(
    SYNCDECK_DATA_DIR, "secret.key", keys.generate_secret_key
)
ALLOWED_HOSTS = list(ENVIRONMENT.allowed_hosts)
CSRF_TRUSTED_ORIGINS = list(ENVIRONMENT.csrf_trusted_origins)
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # the portal registers what it shows; nothing is discovered
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_celery_beat",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "connectors.apps.ConnectorsConfig",
    "syncjobs.apps.SyncJobsConfig",
    *SYNCDECK_APPS,
]

MIDDLEWARE = [
    "config.middleware.LivenessMiddleware",
    "config.client_address.ClientAddressMiddleware",
    "config.middleware.RequestIdMiddleware",
    "config.middleware.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.SecurityHeadersMiddleware",
    "config.static_files.StaticFilesMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "config.middleware.ViewerMiddleware",
    "config.middleware.AskerMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "libraries": {"portal": "syncjobs.portal.templatetags.portal"},
        },
    },
]

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = ENVIRONMENT.time_zone
USE_TZ = True

vars().update(Env.email_url_config(ENVIRONMENT.email_url))

# --- Databases ------------------------------------------------------------------------------------------------------
SQLITE: dict[str, Any] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": SYNCDECK_DATA_DIR / "syncdeck.sqlite3",
    "OPTIONS": {
        "timeout": 20,
        # A transaction that begins by reading and then writes would fail at once, whatever the timeout.
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    },
    # A file, so that tests meet the locks and the threads that users meet.
    "TEST": {"NAME": SYNCDECK_DATA_DIR / "test.sqlite3"},
}


def postgres_settings(url: str) -> dict[str, Any]:
    """Return Django's database settings for a PostgreSQL URL; options in the URL win over ours."""
    database = dict(Env.db_url_config(url))
    database["OPTIONS"] = {"connect_timeout": 5} | dict(database.get("OPTIONS") or {})
    return database | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


DATABASES = {"default": postgres_settings(ENVIRONMENT.database_url) if ENVIRONMENT.database_url else SQLITE}

DATA_UPLOAD_MAX_NUMBER_FIELDS = 5_000  # the form of a type has some for each rule of a mapping

# --- Celery: wakes jobs, keeps nothing ------------------------------------------------------------------------------
EMBEDDED_BROKER = not ENVIRONMENT.broker_url
CELERY_BROKER_URL = ENVIRONMENT.broker_url or broker.socket_url(SYNCDECK_DATA_DIR)
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {"read_timeout": 3, "write_timeout": 3}
    if CELERY_BROKER_URL.startswith(environment.AMQP_SCHEMES)
    else {"socket_timeout": 3, "socket_connect_timeout": 2}
)
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = False
# Without it Celery closes the database connection round every task, which costs two thirds of the speed.
CELERY_DB_REUSE_MAX = 1000
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- Static files: whitenoise serves them, hashed once collected, straight from the sources before ------------------
STATIC_URL = "static/"
STATIC_ROOT = SYNCDECK_DATA_DIR / "static"
STATICFILES_DIRS = [path for path in [BASE_DIR / "static"] if path.is_dir()]
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").is_file()
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_files.CollectedStaticFilesStorage"},
}

# --- Security -------------------------------------------------------------------------------------------------------
# On this machine alone plain HTTP must work; under a public name everything is HTTPS, behind a proxy that says so.
IS_PUBLIC = not all(host in parsing.LOOPBACK_HOSTS for host in ALLOWED_HOSTS)
SECURE_SSL_REDIRECT = IS_PUBLIC and not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_PUBLIC and not DEBUG else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = IS_PUBLIC and not DEBUG
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = IS_PUBLIC and not DEBUG
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
LOGIN_URL = "admin:login"

# --- API: what it takes and by whom, said once; syncjobs.api has the classes ----------------------------------------
API_LARGEST_BODY = 1_048_576  # bytes
API_REQUESTS_PER_MINUTE = {"read": 1_200, "write": 240}  # of each token or person; None is no limit
WEBHOOK_LARGEST_BODY = 262_144  # bytes
WEBHOOK_REQUESTS_PER_MINUTE = {"signed": 240, "unsigned": 60}  # of each webhook; of each address
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "syncjobs.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["syncjobs.api.permissions.HasScopeAndRight"],
    "DEFAULT_THROTTLE_CLASSES": ["syncjobs.api.throttling.RequestsPerMinute"],
    "DEFAULT_PARSER_CLASSES": ["syncjobs.api.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["syncjobs.api.parsing.SafeJSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "syncjobs.api.errors.answer_problem",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Syncdeck",
    "DESCRIPTION": "Everything that the portal can do, for programs.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "JobStatusEnum": "syncjobs.statuses.Status.choices",
        "TriggerEnum": "syncjobs.statuses.Trigger.choices",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "syncjobs.api.documents.add_problems",
        "syncjobs.api.documents.close_bodies",
    ],
}

# --- Logs: JSON lines; the handlers live in config.logs -------------------------------------------------------------
FILE_HANDLERS: dict[str, dict[str, Any]] = {
    name: {
        "class": "config.logs.ForgivingFileHandler",
        "filename": str(LOG_DIR / f"{name}.log"),
        "filters": ["context", name],
        "formatter": "json",
    }
    for name in (("api", "etl") if LOG_DIR else ())
    if LOG_DIR
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "context": {"()": "config.logs.ContextFilter"},
        "api": {"()": "config.logs.JobFilter", "wanted": False},
        "etl": {"()": "config.logs.JobFilter", "wanted": True},
    },
    "formatters": {"json": {"()": "config.logs.JsonFormatter"}},
    "handlers": {
        "console": {"class": "config.console.ConsoleHandler", "filters": ["context"], "formatter": "json"},
        **FILE_HANDLERS,
    },
    "root": {"level": "INFO", "handlers": ["console", *FILE_HANDLERS]},
    "loggers": {
        # Django's own handlers would print a second, plain copy.
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"propagate": True},
        # A wake-up came, a wake-up is done: the job's own lines say more.
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
