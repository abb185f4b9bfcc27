"""The checksum of BBB's API: hex(hash(call name + raw query string without the checksum + secret)).

Source: https://docs.bigbluebutton.org/development/api/#api-security-model
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl

from amphi.classroom.exceptions import ApiError

DIGEST_BY_LENGTH = {40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
MISMATCH = ApiError("checksumError", "Checksums do not match")


def digest(algorithm: str, text: str) -> str:
    """The hash of `text` in hexadecimal."""
    return hashlib.new(algorithm, text.encode()).hexdigest()


def split_query(raw: str) -> tuple[str, list[str]]:
    """Take the checksum out of a raw query string, at any position.

    Returns:
        The signed part of the query, and each checksum found.
    """
    kept, found = [], []
    for pair in raw.split("&"):
        name, _, value = pair.partition("=")
        if name == "checksum":
            found.append(value)
        elif pair:
            kept.append(pair)
    return "&".join(kept), found


def parse_parameters(raw: str) -> dict[str, str]:
    """The parameters of a query string or form. Of two with one name the last counts, as in BBB's own parser."""
    return dict(parse_qsl(raw, keep_blank_values=True, errors="replace"))


def verify(
    call: str,
    raw_query: str,
    form: Mapping[str, str],
    *,
    secret: str,
    digests: tuple[str, ...] = tuple(DIGEST_BY_LENGTH.values()),
) -> dict[str, str]:
    """Check a call's signature.

    Args:
        call: such as ``create`` or ``hooks/create``.
        raw_query: the query string, not decoded.
        form: the parameters of an urlencoded or multipart body. They aren't signed.
        secret: the shared secret.
        digests: the accepted hash functions.

    Returns:
        The parameters of query and form together, without the checksum.

    Raises:
        ApiError: ``checksumError``: the checksum is missing, wrong, repeated or of a hash function that isn't accepted, or a
            parameter is in both query and form.
    """
    signed, found = split_query(raw_query)
    if "checksum" in form:
        found.append(form["checksum"])
    if len(found) != 1:
        raise MISMATCH
    algorithm = DIGEST_BY_LENGTH.get(len(found[0]))
    if algorithm is None or algorithm not in digests:
        raise MISMATCH
    expected = digest(algorithm, call + signed + secret)
    if not hmac.compare_digest(expected.encode(), found[0].lower().encode()):
        raise MISMATCH
    parameters = parse_parameters(signed)
    body = {name: value for name, value in form.items() if name != "checksum"}
    if parameters.keys() & body.keys():
        raise MISMATCH
    return parameters | body
