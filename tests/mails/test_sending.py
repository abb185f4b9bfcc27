"""Mail: written in a transaction, sent by the worker, tried again."""

import socket
import threading
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest
from django.core.mail.utils import DNS_NAME
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from amphi.mails import domain, sending, smtp
from amphi.mails.models import Mail
from amphi.system import leases
from tests.factories import make_meeting, make_user

if TYPE_CHECKING:
    from collections.abc import Callable

    from amphi.system.leases import Lease

pytestmark = pytest.mark.django_db


class Mailbox:
    """An SMTP server that takes one mail at a time (RFC 5321), on a free port."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.says: dict[bytes, bytes] = {}
        """What it answers to a verb, else that all is well."""
        self.during: Callable[[], object] = lambda: None
        """What happens while it takes a mail; in a thread with a connection of its own."""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                self._talk(stream)

    def _talk(self, stream) -> None:
        def say(line: bytes) -> None:
            stream.write(line + b"\r\n")
            stream.flush()

        say(b"220 mailbox")
        for line in stream:
            verb = line.split()[0].upper()
            if verb in self.says:
                say(self.says[verb])
                continue
            if verb == b"DATA":
                say(b"354 go on")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    body += stream.readline()
                self.mails.append(body[:-3])
                self.during()
            say(b"221 bye" if verb == b"QUIT" else b"250 ok")
            if verb == b"QUIT":
                return


@pytest.fixture
def mailbox(settings):
    mailbox = Mailbox()
    settings.EMAIL_BACKEND = "amphi.mails.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", mailbox.port
    yield mailbox
    mailbox.listener.close()


def write(*users, calendar: str = "") -> list[Mail]:
    meeting = make_meeting(name="Optique & ondes")
    context = {"meeting": meeting, "overlapping": [meeting]}
    return domain.queue(map(domain.reader, users), "no_gateway", context, calendar=calendar)


def send_all() -> int:
    return sum(sending.send(lease) for lease in sending.claim_due(limit=9))


def test_mail_is_sent_once_as_text_and_html_with_its_calendar(mailbox):
    write(make_user(language="en"), calendar="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    assert send_all() == 1
    assert send_all() == 0
    message = message_from_bytes(mailbox.mails[0], policy=policy.default)
    types = [part.get_content_type() for part in message.walk()]
    assert {"text/plain", "text/html", "text/calendar"} <= set(types)
    assert "Optique & ondes" in message["Subject"]
    assert "Optique &amp; ondes" in message.get_body(("html",)).get_content()
    assert "Optique & ondes" in message.get_body(("plain",)).get_content()


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL"])
def test_calendar_is_an_alternative_so_that_programs_offer_to_accept(mailbox, method):
    entry = f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nSUMMARY:Été\r\nEND:VCALENDAR\r\n"
    write(make_user(), calendar=entry)
    send_all()
    message = message_from_bytes(mailbox.mails[0], policy=policy.default)
    assert message.get_content_type() == "multipart/mixed"
    alternatives, attached = message.iter_parts()
    assert [part.get_content_type() for part in alternatives.iter_parts()] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    part = list(alternatives.iter_parts())[-1]
    assert part["Content-Type"].params == {"method": method, "charset": "utf-8"}
    assert not part.is_attachment()
    assert part.get_content().replace("\r\n", "\n") == entry.replace("\r\n", "\n")
    assert (attached.get_content_type(), attached.get_filename()) == ("application/ics", "invite.ics")
    assert attached.get_content() == entry.encode()


def test_queue_writes_to_nobody_twice_and_not_to_those_without_address():
    user = make_user()
    assert len(write(user, user, make_user(email=""))) == 1


def test_mail_that_could_not_be_sent_is_tried_again_later(settings, free_port):
    settings.EMAIL_BACKEND = "amphi.mails.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port
    (mail,) = write(make_user())
    assert send_all() == 0
    mail.refresh_from_db()
    assert mail.sent_at is None
    assert mail.attempt_at > timezone.now() + timedelta(seconds=20)
    assert mail.last_error.startswith("ConnectionRefusedError")
    assert sending.claim_due(limit=9) == []


def test_mail_server_whose_name_is_not_found_in_time_holds_up_no_worker(settings, resolver, monkeypatch):
    """Neither its name nor this machine's own, which goes into the greeting."""
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "amphi.mails.smtp.EmailBackend", "smtp.slow.example"
    monkeypatch.setattr(sending, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(smtp, "OWN_NAME_S", 0.2)
    monkeypatch.setattr(socket, "getfqdn", lambda: resolver.closed.wait(30) and "never")
    monkeypatch.delattr(DNS_NAME, "_fqdn", raising=False)
    resolver.hanging.add("smtp.slow.example")
    (mail,) = write(make_user())
    assert send_all() == 0
    assert not resolver.closed.is_set()
    mail.refresh_from_db()
    assert mail.attempts == 1
    assert mail.last_error.startswith("TimeoutError: the address of smtp.slow.example")
    assert DNS_NAME.get_fqdn() == socket.gethostname()


def test_mail_server_is_tried_at_each_of_its_addresses(mailbox, settings, resolver):
    settings.EMAIL_HOST = "smtp.example"
    resolver.known["smtp.example"] = ["127.0.0.2", "127.0.0.1"]
    write(make_user())
    assert send_all() == 1


def test_claim_is_had_by_one_worker():
    write(make_user())
    assert len(sending.claim_due(limit=9)) == 1
    assert sending.claim_due(limit=9) == []


@pytest.mark.parametrize(
    ("verb", "says", "is_final"),
    [
        (b"RCPT", b"550 no such user here", True),
        (b"MAIL", b"553 sender refused", True),
        (b"DATA", b"554 spam", True),
        (b"RCPT", b"450 mailbox busy", False),
        (b"MAIL", b"451 try later", False),
        (b"DATA", b"452 full", False),
        (b"EHLO", b"421 closing", False),
    ],
)
def test_refusal_for_good_is_final_and_told_any_other_is_tried_again(mailbox, caplog, verb, says, is_final):
    mailbox.says = {verb: says} | ({b"HELO": says} if verb == b"EHLO" else {})
    (mail,) = write(make_user())
    assert send_all() == 0
    mail.refresh_from_db()
    assert (mail.attempt_at is None) is is_final
    assert says[:3].decode() in mail.last_error
    assert ("is given up" in caplog.text) is is_final
    assert mail.claimed_until is None


@pytest.mark.parametrize("wrong", [{"subject": "two\nlines"}, {"to": "zo\u00e9\n@example.org"}])
def test_mail_that_no_server_can_take_is_given_up(mailbox, wrong):
    (mail,) = write(make_user())
    Mail.objects.update(**wrong)
    assert send_all() == 0
    mail.refresh_from_db()
    assert mail.attempt_at is None
    assert mail.last_error
    assert mailbox.mails == []


def test_mail_whose_sending_always_fails_is_given_up_in_the_end(mailbox):
    (mail,) = write(make_user())
    Mail.objects.update(failures=sending.ATTEMPTS)
    assert send_all() == 0
    mail.refresh_from_db()
    assert mail.attempt_at is None
    assert mail.last_error


@pytest.mark.django_db(transaction=True)
def test_mail_is_sent_once_when_the_server_outlasts_the_lease(mailbox, settings):
    """The worker renews the lease of what it has in hand; another worker looks for work meanwhile."""
    write(make_user())
    (lease,) = [
        replace(one, length=timedelta(seconds=60)) for one in sending.claim_due(limit=9, worker="one")
    ]
    others: list[Lease] = []

    def slow() -> None:
        soon = timezone.now() + timedelta(seconds=30)
        Mail.objects.update(claimed_until=soon)
        leases.renew([lease])
        later = soon + timedelta(seconds=1)
        others.extend(leases.claim(Mail.objects.all(), worker="two", limit=9, length=lease.length, now=later))
        connection.close()

    mailbox.during = slow
    assert sending.send(lease)
    assert (others, len(mailbox.mails)) == ([], 1)
    assert sending.claim_due(limit=9) == []


def test_administration_says_why_a_mail_was_given_up_and_not_what_it_said(client):
    write(make_user())
    Mail.objects.update(
        attempt_at=None, last_error="SMTPDataError: 554 spam", text="secret key", html="secret key"
    )
    client.force_login(make_user(is_superuser=True, is_staff=True))
    pages = [
        client.get(reverse("admin:mails_mail_changelist")),
        client.get(reverse("admin:mails_mail_change", args=[Mail.objects.get().pk])),
    ]
    for page in pages:
        assert "SMTPDataError: 554 spam" in page.content.decode()
        assert "secret key" not in page.content.decode()
    assert client.get(reverse("admin:mails_mail_add")).status_code == 403
