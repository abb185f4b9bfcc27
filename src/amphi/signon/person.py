"""A person, as a system of the university describes them at one login."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from amphi.system.typed import clean_line

MOST_VALUES = 1000
"""Affiliations and groups beyond these are left out."""
LONGEST_VALUE = 250
LONGEST_NAME = 150
_ADDRESS = re.compile(r"[^@\s<>\"]{1,64}@[A-Za-z0-9.-]{1,255}")

FIELDS = ("username", "first_name", "last_name", "email", "primary_affiliation", "affiliations", "groups")
"""What is taken of somebody's attributes."""
USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "username": ("uid", "username", "eduPersonPrincipalName"),
    "first_name": ("givenName", "first_name", "firstname"),
    "last_name": ("sn", "last_name", "lastname", "surname"),
    "email": ("mail", "email"),
    "primary_affiliation": ("eduPersonPrimaryAffiliation", "primaryAffiliation", "affiliation_primary"),
    "affiliations": ("eduPersonAffiliation", "affiliation", "affiliations"),
    "groups": ("isMemberOf", "memberOf", "groups"),
}
"""The names of attributes that are understood without a setting, in any case."""

Attributes = Mapping[str, Iterable[str]]


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed on.

    Attributes:
        provider: the system that says so; with `subject` it names one person for ever.
        subject: the person's identifier there, which is never given to somebody else.
        username: the name wished for a new account.
        first_name: empty where the system does not tell; likewise the names below.
        last_name: see `first_name`.
        email: see `first_name`. It identifies nobody.
        primary_affiliation: a value of eduPersonAffiliation, as ``staff``.
        affiliations: all of them.
        groups: codes of groups.
        session: the system's name of this login, by which it may end it; empty where it has none.
    """

    provider: str
    subject: str
    username: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    primary_affiliation: str = ""
    affiliations: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    session: str = ""


def _values(found: Attributes, names: Iterable[str]) -> tuple[str, ...]:
    """The values of the first of some attributes that has any."""
    for name in names:
        values = dict.fromkeys(clean_line(str(value)) for value in found.get(name.lower(), ()))
        kept = tuple(value for value in values if value and len(value) <= LONGEST_VALUE)[:MOST_VALUES]
        if kept:
            return kept
    return ()


def person_of(
    attributes: Attributes,
    *,
    provider: str,
    subject: str,
    names: Mapping[str, str] | None = None,
    session: str = "",
) -> Person:
    """The person that some attributes describe.

    Args:
        attributes: values by name; names may be in any case.
        provider: see `Person`.
        subject: see `Person`.
        names: the attribute of each of `FIELDS`, where it is not one of `USUAL_NAMES`.
        session: see `Person`.
    """
    found = {name.lower(): list(values) for name, values in attributes.items()}
    wanted = {field: ((names or {}).get(field) or "", *USUAL_NAMES[field]) for field in FIELDS}

    def all_of(field: str) -> tuple[str, ...]:
        return _values(found, [name for name in wanted[field] if name])

    def one_of(field: str) -> str:
        return next(iter(all_of(field)), "")[:LONGEST_NAME]

    # A scoped affiliation, as staff@univ.fr, counts by what stands before its scope: who may say so is decided elsewhere.
    affiliations = tuple(dict.fromkeys(value.partition("@")[0].lower() for value in all_of("affiliations")))
    primary = one_of("primary_affiliation").partition("@")[0].lower() or next(iter(affiliations), "")
    email = one_of("email")
    return Person(
        provider=provider,
        subject=subject,
        username=one_of("username") or subject,
        first_name=one_of("first_name"),
        last_name=one_of("last_name"),
        email=email if _ADDRESS.fullmatch(email) else "",
        primary_affiliation=primary[:50],
        affiliations=tuple(dict.fromkeys((primary, *affiliations))) if primary else affiliations,
        groups=all_of("groups"),
        session=session,
    )
