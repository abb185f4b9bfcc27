"""The operator's file of settings, ``AMPHI_SETTINGS``: which names may stand in it, and who may have written it.

It is Python and runs as the platform does, so it is read only where it is named, never because it lies in the working folder.
"""

import re
import runpy
import stat
import traceback
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import global_settings

from amphi.system.environment import PREFIX, InvalidSettingError, Reader, nearest
from amphi.system.setting_names import NAMES

BUCKET_PATH = re.compile(r"/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
"""An S3 bucket’s name, after the server’s address."""
SHORTEST_KEY = 50
PUBLISHED_KEY = "insecure-and-known-to-everybody-" + "0" * 24

OURS_ALONE = {
    "DATABASES": "the database is named by AMPHI_DATABASE_URL, and is PostgreSQL and not that of Esup-Pod: take this line out",
    "INSTALLED_APPS": "Amphi has its own: take this line out",
    "MIDDLEWARE": "Amphi has its own: take this line out",
    "ROOT_URLCONF": "Amphi has its own: take this line out",
    "AUTH_USER_MODEL": "Amphi has its own: take this line out",
    "SESSION_ENGINE": "Amphi keeps sessions in its database, where single logout ends them: take this line out",
    "TEMPLATES": "Amphi has its own: take this line out",
}
"""Django's settings that the platform is built on."""
OF_ESUP_POD = frozenset(
    {
        "MEETING_MAIN_FIELDS",
        "RESTRICT_EDIT_IMPORT_VIDEO_ACCESS_TO_STAFF_ONLY",
        "RESTRICT_EDIT_VIDEO_ACCESS_TO_STAFF_ONLY",
        "USE_TAGS",
    }
)
"""Esup-Pod's settings (pod/main/configuration.json) whose names resemble ours. They are allowed, and have no effect."""


def read_settings_local(file: Path | None) -> dict[str, object]:
    """The upper-case names of an operator's Python file; none when there is no such file.

    Raises:
        InvalidSettingError: it does not run, or others than its owner and group may write to it.
    """
    if file is None or not file.is_file():
        return {}
    if file.stat().st_mode & stat.S_IWOTH:
        raise InvalidSettingError(str(file), "anybody may write it, and it runs as the platform: chmod o-w")
    try:
        found = runpy.run_path(str(file))
    except SyntaxError as error:
        raise InvalidSettingError(f"{file}, line {error.lineno}", error.msg) from None
    except (ImportError, LookupError, NameError, AttributeError, TypeError, ValueError, OSError) as error:
        lines = [
            step.lineno for step in traceback.extract_tb(error.__traceback__) if step.filename == str(file)
        ]
        # Other errors may quote a value, which may be a secret.
        said = str(error) if isinstance(error, ImportError | NameError) else type(error).__name__
        raise InvalidSettingError(f"{file}, line {lines[-1] if lines else '?'}", said) from None
    return {name: value for name, value in found.items() if name.isupper()}


def check_names(conf: Reader, names: Iterable[str]) -> None:
    """Refuse names in the operator's file that are probably misspelt, or that can't be changed.

    Django's own settings and those of Esup-Pod are allowed.

    Args:
        conf: the reader, after it has read every setting.
        names: the names in the file that it did not read.

    Raises:
        InvalidSettingError: a name is refused; the message suggests the right one where one is similar.
    """
    known = frozenset(conf.known)
    for name in sorted(names):
        if name in OURS_ALONE:
            raise conf.error(name, OURS_ALONE[name])
        if name in NAMES and name.removeprefix(PREFIX) not in known:
            raise conf.error(name, "is read from the environment only")
        right = nearest(name.removeprefix(PREFIX), known) or nearest(name, known)
        if name in OF_ESUP_POD or hasattr(global_settings, name) or not (right or name.startswith(PREFIX)):
            continue
        raise conf.error(name, f"no such setting; is it {right}?" if right else "no such setting")


_SITE = re.compile(r"\*|https?://(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?")


_OF_LANGUAGE = re.compile(r"[a-z]{2,3}=")


def embedding_sites(conf: Reader, name: str) -> tuple[str, ...]:
    """The sites that a setting names, as ``frame-ancestors`` takes them.

    Raises:
        InvalidSettingError: one is not the address of a site.
    """
    sites = conf.words(name)
    for site in sites:
        if not _SITE.fullmatch(site):
            raise conf.error(
                name, f"{site!r} is no site: write https://moodle.univ.fr, https://*.univ.fr or *"
            )
    return tuple(sites)


def bucket_url(conf: Reader, name: str, *, has_folder: bool) -> str:
    """The address of an S3 server with one bucket's name as its path; may be empty.

    Args:
        conf: the settings.
        name: the setting's.
        has_folder: whether recordings have their folder, without which there is nothing to put into a bucket.
    """
    url = conf.url(name)
    if url and not BUCKET_PATH.fullmatch(urlsplit(url).path):
        raise conf.error(name, "must end in the bucket’s name, as https://s3.example.org/replays does")
    if url and not has_folder:
        raise conf.error(name, "needs AMPHI_RECORDINGS: the origin records into that folder first")
    if url and not (conf.text("AMPHI_BUCKET_KEY") and conf.text("AMPHI_BUCKET_SECRET")):
        raise conf.error(name, "needs AMPHI_BUCKET_KEY and AMPHI_BUCKET_SECRET")
    return url


def engine_urls(conf: Reader, name: str, *, engine: str) -> dict[str, str]:
    """The addresses of an engine's servers by language, as in ``fr=ws://127.0.0.1:2700``; one alone, under ``""``, is for all languages.

    Raises:
        InvalidSettingError: one is no address that this engine can have, or there is none.
    """
    schemes = {"vosk": {"ws", "wss"}, "whisper": {"http", "https"}}.get(engine)
    found: dict[str, str] = {}
    for word in conf.words(name):
        language, _, url = word.partition("=") if _OF_LANGUAGE.match(word) else ("", "", word)
        parts = urlsplit(url)
        if schemes is not None and (parts.scheme not in schemes or not parts.hostname):
            raise conf.error(name, f"must be addresses that begin with {' or '.join(sorted(schemes))}://")
        found[language] = url.rstrip("/")
    if schemes is not None and not found:
        raise conf.error(name, f"must name the server of {engine}")
    if engine == "whisper" and set(found) != {""}:
        raise conf.error(name, "must be one address: its model knows all languages")
    return found


def secret_key(conf: Reader, *, insecure: bool) -> str:
    """``SECRET_KEY``, which signs sessions and encrypts tokens.

    Args:
        conf: the settings.
        insecure: accept a missing or published key.

    Raises:
        InvalidSettingError: the key is missing, or could be guessed.
    """
    key = conf.text("SECRET_KEY")
    if insecure:
        return key or PUBLISHED_KEY
    if len(key) < SHORTEST_KEY or key.startswith(("insecure-", "django-insecure-")):
        reason = (
            f"must be at least {SHORTEST_KEY} random characters, kept secret: openssl rand -base64 48. "
            "On a server, run the command that docs/deploy.md installs; on a machine for trying, set AMPHI_INSECURE_KEY=1"
        )
        raise conf.error("SECRET_KEY" if key else "AMPHI_SECRET_KEY", reason)
    return key
