"""Somebody who is here from a course: their launch, what its pages may show, and how they go on into a tab of their own."""

import hmac
from uuid import UUID

from django.core import signing
from django.utils import timezone
from django.utils.crypto import salted_hmac

from amphi.accounts.models import User
from amphi.audience.models import Event
from amphi.audience.rights import can_watch, is_banned, moderates_event
from amphi.lti.models import LAUNCH_LASTS, Launch
from amphi.lti.requests import mark_of

SALT = "amphi.lti.enter"


def launch_of(pk: UUID, browser: str) -> Launch | None:
    """The launch `pk`, if this browser brought it and it still counts."""
    rows = Launch.objects.select_related("platform", "identity__user", "course__group")
    found = rows.filter(pk=pk, browser=mark_of(browser)).first() if browser else None
    return found if found is not None and _counts(found) else None


def _counts(launch: Launch) -> bool:
    user = launch.identity.user
    return not launch.is_over and launch.platform.is_active and user.is_active and not user.is_staff


def form_token(launch: Launch, browser: str) -> str:
    """What a form of this launch's pages sends back, which no page of another site can know."""
    return salted_hmac("amphi.lti.form", f"{launch.pk}:{browser}", algorithm="sha256").hexdigest()


def is_form_token(launch: Launch, browser: str, given: str) -> bool:
    """Whether a form of this launch's pages sent `given`."""
    return hmac.compare_digest(form_token(launch, browser).encode(), given.encode(errors="surrogatepass"))


def event_of(launch: Launch) -> Event | None:
    """The live event of the webinar that the activity opens; None while there is none."""
    if launch.link_id is None:
        return None
    rows = Event.objects.select_related("broadcaster", "owner")
    return rows.filter(livestream__meeting__course_links=launch.link_id).first()


def may_watch(user: User, event: Event) -> bool:
    """Whether somebody may watch from a course. Whoever put the webinar there presents it, so its password is not asked."""
    return moderates_event(user, event) or (can_watch(user, event) and not is_banned(event, f"u{user.pk}"))


# --- into a tab of their own


def pass_of(launch: Launch) -> str:
    """What lets the person of `launch` log in, once, in a tab where our cookies count."""
    return signing.dumps(str(launch.pk), salt=SALT)


def by_pass(text: str) -> Launch | None:
    """The launch whose person may log in with that pass; whether it was used is `enter`'s to say."""
    try:
        pk = UUID(signing.loads(text, salt=SALT, max_age=LAUNCH_LASTS))
    except (signing.BadSignature, ValueError):
        return None
    rows = Launch.objects.select_related("platform", "identity__user", "course")
    found = rows.filter(pk=pk).first()
    return found if found is not None and _counts(found) else None


def enter(launch: Launch) -> bool:
    """Use the pass of `launch`; False when it was used before."""
    return bool(Launch.objects.filter(pk=launch.pk, entered_at=None).update(entered_at=timezone.now()))
