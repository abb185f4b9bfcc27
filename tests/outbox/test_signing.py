"""Signatures, against the specification's own library; and which addresses are public."""

import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from amphi.outbox import signing
from amphi.system.addresses import is_public


def test_library_of_the_specification_verifies_what_we_sign():
    secret, body = signing.new_secret(), '{"type":"webinar.live","name":"Écoles"}'.encode()
    sent = signing.headers(secret, "msg_1", int(time.time()), body)
    assert Webhook(secret).verify(body, sent)["type"] == "webinar.live"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", sent)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_secret()).verify(body, sent)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_YWJj", "whsec_%%%", "YWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJj"]
)
def test_what_is_no_secret_is_refused(secret):
    with pytest.raises(ValueError):
        signing.key_of(secret)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("193.51.208.1", True),
        ("2001:660:3003::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:193.51.208.1", True),
        ("64:ff9b::10.0.0.1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_private_addresses_are_told_from_public_ones(address, expected):
    assert is_public(address) is expected
