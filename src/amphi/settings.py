"""Django's settings: the one reader of the environment and of ``settings_local.py``.

Names of Esup-Pod's webinar mode keep their names and defaults, so that a university pastes its ``settings_local.py`` as it is:
every name below is looked up in that file, which ``AMPHI_SETTINGS`` names, then in the environment.
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from amphi.bigbluebutton.checksum import ALGORITHMS
from amphi.signon.providers import read_providers
from amphi.system import environment, vendor
from amphi.system.configuration import (
    bucket_url,
    check_names,
    embedding_sites,
    engine_urls,
    read_settings_local,
    secret_key,
)
from amphi.system.database import parse_database_url
from amphi.system.logo import read_logo

PACKAGE = Path(__file__).resolve().parent
environment.refuse_unknown()
_file = environment.path("AMPHI_SETTINGS", Path()) if environment.text("AMPHI_SETTINGS") else None
conf = environment.Reader(read_settings_local(_file), file=str(_file or ""))
VAR_DIR = conf.path("AMPHI_VAR", Path.cwd() / "var")

# --- the web server

DEBUG = conf.flag("AMPHI_DEBUG")
AMPHI_INSECURE_KEY = conf.flag("AMPHI_INSECURE_KEY")
"""Whether this is a machine for trials, where the key need not be secret."""
SECRET_KEY = secret_key(conf, insecure=AMPHI_INSECURE_KEY)
AMPHI_URL = conf.url("AMPHI_URL", "http://127.0.0.1:8000")
"""Where browsers, BigBlueButton and gateways reach this platform."""
AMPHI_HTTP = conf.address("AMPHI_HTTP", "127.0.0.1:8000")
AMPHI_TRUSTED_PROXIES = conf.words("AMPHI_TRUSTED_PROXIES", ("127.0.0.1", "::1"))
"""The addresses of the proxies in front, whose forwarded addresses and schemes are accepted."""
AMPHI_PAGES_AT_ONCE = conf.integer("AMPHI_PAGES_AT_ONCE", 24, minimum=12)
"""Pages that one web process makes at once, each with a database connection; more requests wait, then get 503."""
_public = urlsplit(AMPHI_URL)
ALLOWED_HOSTS = [_public.hostname or "localhost", "127.0.0.1", "localhost", *conf.words("ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]
if _public.scheme == "https":
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_HSTS_SECONDS = 31536000
# Cookies ignore ports: the sandbox classroom and this platform share a host in the demo and must not share a name.
SESSION_ENGINE = "amphi.accounts.sessions"
SESSION_COOKIE_NAME = "amphi_session"
CSRF_COOKIE_NAME = "amphi_csrf"
LANGUAGE_COOKIE_NAME = "amphi_language"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

ROOT_URLCONF = "amphi.urls"
ASGI_APPLICATION = "amphi.pages.asgi.application"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sites",
    "amphi.pages.apps.StaticFiles",
    "amphi.accounts",
    "amphi.mails",
    "amphi.outbox.apps.OutboxConfig",
    "amphi.meetings",
    "amphi.audience",
    "amphi.webinars",
    "amphi.lti.apps.LtiConfig",
    "amphi.pod_import.apps.PodImportConfig",
    "amphi.pages.apps.PagesConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "amphi.system.security.ContentSecurityPolicyMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "pages" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "amphi.pages.about.institution.institution",
            ],
            "builtins": ["amphi.pages.templatetags.icons"],
        },
    }
]

# --- the institution

AMPHI_INSTITUTION = conf.text("AMPHI_INSTITUTION")
AMPHI_INSTITUTION_URL = conf.url("AMPHI_INSTITUTION_URL")
AMPHI_LOGO = read_logo(conf.path("AMPHI_LOGO", Path()), "AMPHI_LOGO") if conf.text("AMPHI_LOGO") else None
AMPHI_HELP = conf.text("AMPHI_HELP")
"""Where people are helped: the address of a page, or an email address."""
AMPHI_LEGAL_URL = conf.url("AMPHI_LEGAL_URL")
AMPHI_PRIVACY_CONTACT = conf.text("AMPHI_PRIVACY_CONTACT")
AMPHI_ACCESSIBILITY = conf.choice("AMPHI_ACCESSIBILITY", "none", ("none", "partial", "full"))
"""How far this installation conforms to the RGAA, by its audit."""
AMPHI_ACCESSIBILITY_RESULT = conf.text("AMPHI_ACCESSIBILITY_RESULT")
AMPHI_ACCESSIBILITY_CONTACT = conf.text("AMPHI_ACCESSIBILITY_CONTACT")

# --- people

AUTH_USER_MODEL = "accounts.User"
SITE_ID = 1
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "meetings:list"
LOGOUT_REDIRECT_URL = "live:list"
SIGN_ON = read_providers(conf, AMPHI_URL)
"""The systems of the university that people sign on by."""
HIDE_LOCAL_LOGIN = conf.flag("HIDE_LOCAL_LOGIN")
"""Whether the login page has no form for accounts of this platform; the administration keeps its own."""
DEFAULT_AFFILIATION = conf.text("DEFAULT_AFFILIATION")
"""The affiliation of somebody of whom the system that they sign on by tells none."""
AFFILIATION_STAFF = conf.words("AFFILIATION_STAFF", ("faculty", "employee", "staff"))
"""Affiliations that count as staff where only staff makes meetings."""
CREATE_GROUP_FROM_AFFILIATION = conf.flag("CREATE_GROUP_FROM_AFFILIATION")
CREATE_GROUP_FROM_GROUPS = conf.flag("CREATE_GROUP_FROM_GROUPS")
SESSION_COOKIE_AGE = conf.integer("SESSION_COOKIE_AGE", 12 * 3600, minimum=300)
"""How long a login lasts, in seconds, whatever is done meanwhile. Affiliations and groups are as old as it."""
SESSION_EXPIRE_AT_BROWSER_CLOSE = conf.flag("SESSION_EXPIRE_AT_BROWSER_CLOSE")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

AMPHI_API_PER_MINUTE = conf.integer("AMPHI_API_PER_MINUTE", 300, minimum=1)
"""Requests that one token of the API may make in a minute."""

AMPHI_WEBHOOKS_PRIVATE = conf.flag("AMPHI_WEBHOOKS_PRIVATE")
"""Whether webhooks may go to private addresses."""

# --- data

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": parse_database_url(conf.text("AMPHI_DATABASE_URL"), default=VAR_DIR / "amphi.sqlite3")
}

# --- words, hours and files

LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [PACKAGE / "locale"]
# Django's English is the United States'; ours is Europe's.
FORMAT_MODULE_PATH = ["amphi.system.formats"]
TIME_ZONE = conf.text("TIME_ZONE", "Europe/Paris")
USE_I18N = USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [
    *(
        (f"vendor/{name}", folder)
        for name, folder in (
            ("bootstrap", vendor.library("bootstrap/dist")),
            ("hls.js", vendor.library("hls.js/dist")),
            ("player-controls", vendor.library("player-controls/dist")),
        )
        if folder.is_dir()
    ),
]
# Uploaded files: nothing serves this folder, slides have signed addresses.
MEDIA_ROOT = VAR_DIR / "files"
# Static files are found where they are, without a collecting step; nginx serves a collected copy in production.
WHITENOISE_USE_FINDERS = True
# The collected copy has each file compressed beside it, as well as can be: nginx sends that, and compresses nothing itself.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "amphi.system.static_files.StaticFilesStorage"},
}
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("png", "jpg", "webp")
WHITENOISE_MANIFEST_STRICT = False

# --- BigBlueButton

BBB_API_URL = conf.url("BBB_API_URL")
BBB_SECRET_KEY = conf.text("BBB_SECRET_KEY")
BBB_LOGOUT_URL = conf.url("BBB_LOGOUT_URL")
BBB_CHECKSUM = conf.choice("BBB_CHECKSUM", "sha256", ALGORITHMS)
BBB_CA_FILE = conf.text("BBB_CA_FILE")

# --- webinars and meetings: the names of Esup-Pod

USE_MEETING_WEBINAR = conf.flag("USE_MEETING_WEBINAR")
MEETING_WEBINAR_SIPMEDIAGW_URL = conf.url("MEETING_WEBINAR_SIPMEDIAGW_URL")
MEETING_WEBINAR_SIPMEDIAGW_TOKEN = conf.text("MEETING_WEBINAR_SIPMEDIAGW_TOKEN")
MEETING_WEBINAR_FIELDS = conf.words("MEETING_WEBINAR_FIELDS", ("is_webinar", "enable_chat"))
MEETING_WEBINAR_AFFILIATION = conf.words("MEETING_WEBINAR_AFFILIATION", ("faculty", "employee", "staff"))
MEETING_WEBINAR_GROUP_ADMIN = conf.text("MEETING_WEBINAR_GROUP_ADMIN", "webinar admin")
MEETING_PRE_UPLOAD_SLIDES = conf.text("MEETING_PRE_UPLOAD_SLIDES")
"""The slides of meetings that have none of their own: an address, or a file of the static folder."""
MEETING_DISABLE_RECORD = conf.flag("MEETING_DISABLE_RECORD", default=True)
"""Whether meetings are never recorded, whatever their owners want."""
RESTRICT_EDIT_MEETING_ACCESS_TO_STAFF_ONLY = conf.flag("RESTRICT_EDIT_MEETING_ACCESS_TO_STAFF_ONLY")
"""Whether only staff (Django's ``is_staff``) makes, changes and deletes meetings."""
MEETING_MAX_DURATION = conf.integer("MEETING_MAX_DURATION", 5, minimum=1)
"""Hours after which a live that nobody ended is stopped."""
MEETING_WEBINAR_STREAMING_USER = conf.text("MEETING_WEBINAR_STREAMING_USER", "streaming")
"""The name that the gateway's browser has in the meeting."""

# --- the audience

AMPHI_TICKET_KEY = conf.text("AMPHI_TICKET_KEY")
"""Shared with the origin, which then requires a ticket of every viewer. Empty: the streams of the origin are open."""
AMPHI_PUBLISH_WITHOUT_KEY = conf.flag("AMPHI_PUBLISH_WITHOUT_KEY")
"""Let anybody publish to a live gateway whose RTMP address has no key."""
AMPHI_PICTURE_HOSTS = conf.words("AMPHI_PICTURE_HOSTS")
"""Servers, besides those of the broadcasters' addresses, that pictures come from, as ``https://cdn.univ.fr``."""
AMPHI_EMBED_SITES = embedding_sites(conf, "AMPHI_EMBED_SITES")
"""The sites whose pages may show a live in a frame, as ``https://moodle.univ.fr``; ``*`` stands for all. Empty: none."""
TICKET_LIFETIME = timedelta(hours=12)
CHAT_MESSAGE_MAX_LENGTH = conf.integer("CHAT_MESSAGE_MAX_LENGTH", 500, minimum=1)
CHAT_RATE_PER_MINUTE = conf.integer("CHAT_RATE_PER_MINUTE", 10, minimum=1)
"""Messages that one listener may send in a minute."""
CHAT_RATE_PER_ADDRESS = conf.integer("CHAT_RATE_PER_ADDRESS", 200, minimum=1)
"""Messages that all guests behind one address may send in a minute."""
CHAT_RATE_PER_WEBINAR = conf.integer("CHAT_RATE_PER_WEBINAR", 1_800, minimum=12)
"""Messages and questions that one web process takes for one webinar in a minute, at most half of them from one block of addresses."""
QUESTIONS_PER_MINUTE = conf.integer("QUESTIONS_PER_MINUTE", 3, minimum=1)
"""Questions that one listener may ask in a minute."""
CHAT_DELIVERY_PER_SECOND = conf.integer("CHAT_DELIVERY_PER_SECOND", 5, minimum=1)
"""Messages that are sent into one meeting in a second; more wait for their turn."""
AUDIENCE_MAX_LISTENERS = conf.integer("AMPHI_AUDIENCE_MAX_LISTENERS", 10_000, minimum=1)
"""Event streams that one web process carries; beyond it, a listener's page tries again."""

AUDIENCE_STREAMS_PER_VIEWER = conf.integer("AMPHI_AUDIENCE_STREAMS_PER_VIEWER", 6, minimum=1)
"""Event streams that one viewer may hold in one web process; beyond it the oldest ends."""
AUDIENCE_STREAMS_PER_ADDRESS = conf.integer("AMPHI_AUDIENCE_STREAMS_PER_ADDRESS", 2000, minimum=1)
"""Event streams that one address may hold in one web process: a lecture hall may have one address."""
ATTENDANCE_DAYS = conf.integer("AMPHI_ATTENDANCE_DAYS", 365, minimum=1)
"""How long it is kept who came, who registered and who was invited."""

# --- how long data of people are kept, in days

CONVERSATION_DAYS = conf.integer("AMPHI_CONVERSATION_DAYS", 365, minimum=1)
"""Messages, questions, polls, hands and captions, after the end of the live event; longer while there is a replay."""
MEETINGS_DAYS = conf.integer("AMPHI_MEETINGS_DAYS", 1095, minimum=1)
"""Meetings and webinars, after their end."""
ACCOUNTS_DAYS = conf.integer("AMPHI_ACCOUNTS_DAYS", 1095, minimum=1)
"""Accounts to which nothing belongs, after their last use."""
LOG_DAYS = conf.integer("AMPHI_LOG_DAYS", 30, minimum=1)
"""Emails and webhooks that were sent."""

# --- replays

RECORDINGS = conf.path("AMPHI_RECORDINGS", Path()) if conf.text("AMPHI_RECORDINGS") else None
"""The folder that `amphi origin` records in, which web and worker read; None without replays."""
RECORDINGS_GIB = conf.integer("AMPHI_RECORDINGS_GIB", 200, minimum=1)
"""How much of the disk recordings may take; beyond it the oldest are deleted."""
RECORDINGS_DAYS = conf.integer("AMPHI_RECORDINGS_DAYS", 365, minimum=1)
"""The longest that presenters may keep a replay."""

BUCKET_URL = bucket_url(conf, "AMPHI_BUCKET_URL", has_folder=RECORDINGS is not None)
"""The S3 server and the bucket that recordings go into once their live is over; empty: they stay in the folder."""
BUCKET_KEY = conf.text("AMPHI_BUCKET_KEY")
"""The name of the access key."""
BUCKET_SECRET = conf.text("AMPHI_BUCKET_SECRET")
"""Its secret."""
BUCKET_REGION = conf.text("AMPHI_BUCKET_REGION", "us-east-1")
"""The server's name for where the bucket is."""
BUCKET_GIB = conf.integer("AMPHI_BUCKET_GIB", 1000, minimum=1)
"""How much of the bucket recordings may take; beyond it the oldest are deleted."""
BUCKET_LOCAL_HOURS = conf.integer("AMPHI_BUCKET_LOCAL_HOURS", 24, minimum=1)
"""How long a recording stays in the folder once it is in the bucket."""

# --- Esup-Pod

POD_URL = conf.url("AMPHI_POD_URL")
"""The Esup-Pod server that replays are sent to; empty for none."""
POD_TOKEN = conf.text("AMPHI_POD_TOKEN")
"""A token of its REST interface."""
POD_TYPE = conf.integer("AMPHI_POD_TYPE", 1, minimum=1)
"""The number of the type of these videos there."""
POD_SITE = conf.integer("AMPHI_POD_SITE", 1, minimum=1)
"""The number of their site there."""
POD_AUTOMATIC = conf.flag("AMPHI_POD_AUTOMATIC")
"""Whether each replay is sent once its live is over."""

# --- captions

CAPTIONS_ENGINE = conf.choice("AMPHI_CAPTIONS_ENGINE", "", ("", "vosk", "whisper", "pocketsphinx"))
"""What recognises speech for captions that this platform makes; empty: it makes none."""
CAPTIONS_URLS = engine_urls(conf, "AMPHI_CAPTIONS_URL", engine=CAPTIONS_ENGINE)
"""Its servers, by language."""
CAPTIONS_MODEL = conf.text("AMPHI_CAPTIONS_MODEL", "Systran/faster-whisper-small")
"""The model that a Whisper server uses."""
CAPTIONS_KEY = conf.text("AMPHI_CAPTIONS_KEY")
"""What a Whisper server wants as a bearer token."""
CAPTIONS_AT_ONCE = conf.integer("AMPHI_CAPTIONS_AT_ONCE", 4, minimum=1)
"""Lives that one `amphi captions` hears at once."""

# --- mail

EMAIL_HOST = conf.text("EMAIL_HOST", "localhost")
EMAIL_PORT = conf.integer("EMAIL_PORT", 25, minimum=1)
EMAIL_HOST_USER = conf.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = conf.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = conf.flag("EMAIL_USE_TLS")
EMAIL_USE_SSL = conf.flag("EMAIL_USE_SSL")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = conf.text("DEFAULT_FROM_EMAIL", f"amphi@{_public.hostname}")
EMAIL_BACKEND = conf.text("EMAIL_BACKEND", "amphi.mails.smtp.EmailBackend")
EMAIL_FILE_PATH = VAR_DIR / "mail"
"""Where the file backend writes."""

# --- monitoring

AMPHI_METRICS_TOKEN = conf.text("AMPHI_METRICS_TOKEN")
"""Who knows it reads `/metrics`; empty: nobody does."""
AMPHI_WORKER_HTTP = conf.address("AMPHI_WORKER_HTTP", "127.0.0.1:8004")
"""Where the worker's are read."""

# --- logs

AMPHI_LOG_FORMAT = conf.choice("AMPHI_LOG_FORMAT", "plain", ("plain", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "amphi.system.logs.PlainFormatter",
            "fmt": "[{asctime}] {levelname} [{name} - {filename}:{lineno}] {message}",
            "datefmt": "%d/%b/%Y %H:%M:%S",
            "style": "{",
        },
        "json": {"()": "amphi.system.logs.JsonFormatter"},
    },
    "filters": {
        "without_secrets": {"()": "amphi.system.logs.WithoutSecrets"},
        "in_one_line": {"()": "amphi.system.logs.InOneLine"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": AMPHI_LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "amphi": {"level": "INFO"},
        "webinar": {"level": "INFO"},
        # Lines of these loggers contain the requested address.
        "django.request": {"filters": ["without_secrets"]},
        "django.security.csrf": {"filters": ["without_secrets"]},
        # Any stranger can send another host's name, as often as they like.
        "django.security.DisallowedHost": {"filters": ["in_one_line"]},
    },
}

# Django's own settings in the operator's file are taken as they are.
check_names(conf, conf.others)
globals().update(conf.others)
KNOWN_SETTINGS = frozenset(conf.known)
