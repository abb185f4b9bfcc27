"""Tokens for the API: made, shown once and revoked by the account they act for.

A token is 256 random bits, so guessing it is hopeless, and a plain SHA-256 keeps a copy of the database from revealing it.
"""

import hashlib
import logging
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amphi.accounts.models import ApiToken, User
from amphi.system.typed import clean_line

log = logging.getLogger(__name__)

PREFIX = "amphi_"
"""Secret scanners find leaked tokens by it."""
RANDOM_BYTES = 32
MOST_OF_ONE = 20
"""Tokens of one account."""
DAYS = (7, 30, 90, 365)
WINDOW = timedelta(minutes=1)
LONGEST_TOKEN = 100

SCOPES: dict[str, Promise] = {
    "meetings:read": gettext_lazy("Read meetings and webinars"),
    "meetings:write": gettext_lazy("Schedule, change and delete meetings and webinars"),
    "live:control": gettext_lazy("Start, stop, restart and end webinars"),
    "audience:read": gettext_lazy("Read live events, their discussion and questions"),
    "audience:write": gettext_lazy("Write in discussions and ask questions"),
    "attendance:read": gettext_lazy("Read attendance"),
    "replays:read": gettext_lazy("Read replays"),
    "replays:write": gettext_lazy("Change and delete replays"),
    "admin:read": gettext_lazy("Read the state of gateways and of the platform"),
}
"""What a token may open, and its name for people. Not more than its owner may do at the time of each request."""
OF_ADMINISTRATORS = frozenset({"admin:read"})


class TokenError(Exception):
    """A token can't be made so; the text is a translated sentence for its owner."""


def scopes_for(user: User) -> list[str]:
    """The scopes that `user` may give a token."""
    return [scope for scope in SCOPES if user.is_superuser or scope not in OF_ADMINISTRATORS]


def make(user: User, *, name: str, scopes: Collection[str], days: int) -> tuple[ApiToken, str]:
    """Make a token; returns it and its text, which is not kept and can't be read again.

    Raises:
        TokenError: the name is empty, no scope is chosen or not one of theirs, or they have `MOST_OF_ONE`.
    """
    name = clean_line(name)[:80]
    if not name:
        raise TokenError(_("Give the token a name."))
    if not scopes or not set(scopes) <= set(scopes_for(user)):
        raise TokenError(_("Choose what the token opens."))
    if days not in DAYS:
        raise TokenError(_("Choose how long the token is valid."))
    text = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if tokens_of(user).count() >= MOST_OF_ONE:
            raise TokenError(
                _("You have %(most)s tokens, and more are not possible. Revoke one first.")
                % {"most": MOST_OF_ONE}
            )
        token = ApiToken.objects.create(
            user=user,
            name=name,
            digest=_digest(text),
            scopes=[scope for scope in SCOPES if scope in scopes],
            expires_at=timezone.now() + timedelta(days=days),
        )
    log.info("token %s made by user %s: %s", token.pk, user.pk, " ".join(token.scopes))
    return token, text


def tokens_of(user: User) -> QuerySet[ApiToken]:
    """The tokens of `user` that are valid, the newest first."""
    return ApiToken.objects.filter(user=user, expires_at__gt=timezone.now())


def revoke(user: User, token_id: int) -> None:
    """Have a token of `user` open nothing any more. Revoking again has no further effect."""
    if ApiToken.objects.filter(user=user, pk=token_id).delete()[0]:
        log.info("token %s revoked by user %s", token_id, user.pk)


def find(text: str) -> ApiToken | None:
    """The valid token with this text, of an active account; None when there is none."""
    if not text.startswith(PREFIX) or len(text) > LONGEST_TOKEN:
        return None
    rows = ApiToken.objects.select_related("user")
    return rows.filter(digest=_digest(text), expires_at__gt=timezone.now(), user__is_active=True).first()


def count_use(token: ApiToken) -> int | None:
    """Count a request with `token`, in one statement.

    Returns:
        None when it is allowed, or else after how many seconds the next one is: ``AMPHI_API_PER_MINUTE`` are used up.
    """
    now = timezone.now()
    is_old = Q(counted_since__lte=now - WINDOW)
    ApiToken.objects.filter(pk=token.pk).update(
        counted=Case(When(is_old, then=Value(1)), default=F("counted") + 1),
        counted_since=Case(When(is_old, then=Value(now)), default=F("counted_since")),
        last_used_at=now,
    )
    found = ApiToken.objects.filter(pk=token.pk).values_list("counted", "counted_since").first()
    if found is None or found[0] <= settings.AMPHI_API_PER_MINUTE:
        return None
    return _seconds_until(found[1] + WINDOW, now)


def _seconds_until(end: datetime, now: datetime) -> int:
    return max(1, int((end - now).total_seconds()) + 1)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
