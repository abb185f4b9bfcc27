"""What the platform stores about people. Add a line here when you store more personal data."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amphi.accounts import guesses
from amphi.privacy import retention


@dataclass(frozen=True)
class Record:
    """One kind of personal data.

    Attributes:
        what: what is stored.
        why: its purpose.
        kept: for how long.
        seen_by: who can see it.
    """

    what: str | Promise
    why: str | Promise
    kept: str | Promise
    seen_by: str | Promise


def lasting(time: timedelta) -> str:
    """A duration in words: whole days, or minutes below one."""
    if time.days:
        return ngettext("%(number)d day", "%(number)d days", time.days) % {"number": time.days}
    minutes = time.seconds // 60
    return ngettext("%(number)d minute", "%(number)d minutes", minutes) % {"number": minutes}


def _days(name: str) -> str:
    return lasting(retention.days(name))


def _after(name: str) -> str:
    return _("%(time)s after the live event or the meeting") % {"time": _days(name)}


def records() -> list[Record]:
    """All kinds of personal data, in the language of the page."""
    conversation, people = _after("CONVERSATION_DAYS"), _after("ATTENDANCE_DAYS")
    after_event = _("%(time)s after the live event") % {"time": lasting(retention.REMINDERS_KEPT)}
    return [
        Record(
            _(
                "Account: name, email address, affiliation, groups, and the identifier in the system that it is logged in by"
            ),
            _("To log in, and to know who may do what"),
            _("Until it is erased, or %(time)s after its last use when nothing belongs to it")
            % {"time": _days("ACCOUNTS_DAYS")},
            _("The administrators; those who present with this person"),
        ),
        Record(
            _(
                "The courses of a learning platform that somebody came from, whether they teach there, and grades for watching"
            ),
            _("To know who may watch, and who presents; to send grades where the course wants them"),
            _("As long as the account exists"),
            _("The administrators; grades also the learning platform"),
        ),
        Record(
            _("Meetings and webinars, with those who present and those who are invited"),
            _("To hold them"),
            _("Until their owner deletes them, and at most %(time)s after their end")
            % {"time": _days("MEETINGS_DAYS")},
            _(
                "Those who present; the title and the presenters’ names are public unless access is restricted"
            ),
        ),
        Record(
            _("Attendance of meetings: names, times of arrival and departure"),
            _("So that the owner knows who came"),
            people,
            _("Those who present"),
        ),
        Record(
            _("Attendance of a live event: minutes by person, for those who are logged in or registered"),
            _("So that those who present know who listened"),
            people,
            _("Those who present; in a webinar that keeps pseudonyms, nobody sees the names"),
        ),
        Record(
            _("The discussion of a live event: messages, questions, votes, and who wrote them"),
            _("So that listeners and presenters talk to each other"),
            conversation,
            _("Those who may watch; votes are shown as numbers only"),
        ),
        Record(
            _("The captions of a live event: what was said in it"),
            _("For those who do not hear it"),
            _("%(time)s, or as long as there is a replay") % {"time": conversation},
            _("Those who may watch it or its replay"),
        ),
        Record(
            _("Raised hands: names, and what they wanted to speak about"),
            _("So that presenters invite listeners on stage"),
            conversation,
            _("Those who present or moderate"),
        ),
        Record(
            _("Email addresses of those who asked for a reminder"),
            _("To send it"),
            after_event,
            _("Nobody: only the platform uses them"),
        ),
        Record(
            _("Registrations for live events: name, email address, and the answers that were given"),
            _("To give the places, and to write to those who have one"),
            _("%(time)s; two days where the address was not confirmed") % {"time": people},
            _("Those who present"),
        ),
        Record(
            _(
                "Webhooks that were sent: owners of webinars; names and email addresses of those who registered"
            ),
            _("To tell other systems of the institution"),
            _days("LOG_DAYS"),
            _("The administrators; the systems that they chose"),
        ),
        Record(
            _("Emails that were sent"),
            _("To answer whether one was sent"),
            _days("LOG_DAYS"),
            _("The administrators"),
        ),
        Record(
            _("Invitations by email: addresses, who invited, and when"),
            _("To write again when the date changes or the meeting is cancelled"),
            people,
            _("Those who present"),
        ),
        Record(
            _("Changes in the administration: who changed what"),
            _("To know what was done, and by whom"),
            lasting(retention.ADMIN_HISTORY_KEPT),
            _("The administrators"),
        ),
        Record(
            _("Network addresses of guests who write in a discussion"),
            _("So that somebody who was excluded does not come back at once"),
            lasting(retention.NETWORKS_KEPT),
            _("Nobody: only the platform uses them"),
        ),
        Record(
            _("Network addresses from which a wrong password was given"),
            _("To stop those who guess passwords"),
            lasting(guesses.KEPT),
            _("Nobody: only the platform uses them"),
        ),
    ]
