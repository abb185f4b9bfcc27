"""From a platform's message to somebody who is here: the account, the course, and the webinar that the activity opens."""

import hashlib
import uuid
from collections.abc import Mapping
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from amphi.accounts.identities import account_of
from amphi.accounts.models import AccessGroup, Identity
from amphi.lti import grading, linking, members
from amphi.lti.exceptions import NotAllowedError, RefusedError
from amphi.lti.messages import Message
from amphi.lti.models import Course, Launch, Link, Platform
from amphi.signon.person import Person

LINK_PARAMETER = "amphi_link"
"""The custom parameter in which the platform keeps which webinar an activity opens."""
MOST_IN_A_MINUTE = 30
"""Launches of one person: each is a row."""


def receive(platform: Platform, message: Message, *, nonce: str, browser: str) -> Launch:
    """Take somebody in whom `platform` brings, once for each message.

    Args:
        platform: who signed the message.
        message: what it says.
        nonce: of the message.
        browser: the mark of the browser that brought it.

    Raises:
        RefusedError: the message was brought before.
        NotAllowedError: this account does not come in this way.
        AccountClosedError: the account is closed.
    """
    with transaction.atomic():
        if Launch.objects.filter(nonce=nonce).exists():
            raise RefusedError("the message was brought before")
        identity = _identity(platform, message)
        since = timezone.now() - timedelta(minutes=1)
        if Launch.objects.filter(identity=identity, at__gt=since).count() >= MOST_IN_A_MINUTE:
            raise NotAllowedError(_("That was opened too often. Try again in a minute."))
        course = course_of(platform, message.context)
        is_new = members.note(course, identity, is_teacher=message.is_teacher)
        members.note_address(course, message.memberships_url)
        launch = Launch(
            nonce=nonce,
            platform=platform,
            browser=browser,
            identity=identity,
            course=course,
            deployment_id=message.deployment_id,
            resource_link_id=message.resource_link[0],
            title=message.resource_link[1],
            is_teacher=message.is_teacher,
            deep_linking=message.deep_linking,
            language=message.language,
        )
        if message.deep_linking is None:
            launch.link = link_of(course, message.resource_link[0], message.custom)
            if launch.link is not None:
                grading.note_column(launch.link, message.lineitem_url, somebody_new=is_new)
        try:
            with transaction.atomic():
                launch.save(force_insert=True)
        except IntegrityError:
            raise RefusedError("the message was brought before") from None
    if launch.link is not None and launch.is_teacher:
        linking.admit_teacher(launch.link, identity.user)
    return launch


def _identity(platform: Platform, message: Message) -> Identity:
    first, last, email = message.names
    person = Person(
        provider=platform.provider,
        subject=message.subject,
        # Not a name from there: it would take the name of somebody who signs on by the university's own system.
        username=f"lti{platform.pk}-{message.subject}",
        first_name=first,
        last_name=last,
        email=_address(email),
    )
    user, identity = account_of(person, decides_rights=False)
    if user.is_staff or user.is_superuser:
        # Whoever runs a learning platform can appear there as anybody, but must not become an administrator here.
        raise NotAllowedError(_("Accounts of administrators can’t be used from a course."))
    return identity


def _address(email: str) -> str:
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email


def course_of(platform: Platform, context: tuple[str, str]) -> Course:
    """The course of that id, made with its group when it is met for the first time; its title is that of today."""
    context_id, title = context
    found = Course.objects.filter(platform=platform, context_id=context_id).select_related("group").first()
    if found is None:
        code = f"lti{platform.pk}-{hashlib.sha256(context_id.encode()).hexdigest()[:40]}"
        group, _made = AccessGroup.objects.get_or_create(
            code_name=code, defaults={"display_name": title or context_id}
        )
        found, _made = Course.objects.get_or_create(
            platform=platform, context_id=context_id, defaults={"title": title, "group": group}
        )
    if title and found.title != title:
        Course.objects.filter(pk=found.pk).update(title=title)
        AccessGroup.objects.filter(pk=found.group_id).update(display_name=title)
        found.title = title
    return found


def link_of(course: Course, resource_link_id: str, custom: Mapping[str, str]) -> Link | None:
    """The webinar that an activity opens; None while none is chosen.

    The parameter that the platform keeps counts in the course that it was made for and nowhere else: whoever edits an activity can write
    any, and must not get into a webinar of others with it.
    """
    known = Link.objects.filter(course=course, resource_link_id=resource_link_id).first()
    if known is not None:
        return known
    given = _uuid(custom.get(LINK_PARAMETER, ""))
    offered = Link.objects.select_for_update().filter(course=course, pk=given).first() if given else None
    if offered is None:
        return None
    if offered.resource_link_id:
        # The activity was copied within the course.
        copy = {"course": course, "meeting": offered.meeting, "made_by": offered.made_by}
        return Link.objects.create(**copy, resource_link_id=resource_link_id)
    offered.resource_link_id = resource_link_id
    offered.save(update_fields=["resource_link_id"])
    return offered


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
