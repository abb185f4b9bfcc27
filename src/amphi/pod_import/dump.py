"""A dump of Esup-Pod's tables, as `manage.py dumpdata` writes it, read into rows that all its versions have."""

import gzip
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime, parse_duration
from django.utils.html import strip_tags

from amphi.system.terminal import say

MODELS = (
    "sites.site",
    "auth.group",
    "auth.user",
    "authentication.accessgroup",
    "authentication.owner",
    "live.broadcaster",
    "live.event",
    "meeting.meeting",
    "meeting.livegateway",
    "meeting.livestream",
)
COMMAND = "python manage.py dumpdata " + " ".join(MODELS[1:]) + " sites.site -o pod.json"
_NEEDED = ("auth.user", "authentication.owner", "meeting.meeting")


class DumpError(Exception):
    """The file is no dump of these tables. The text is a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class AccessGroupRow:
    code_name: str
    display_name: str


@dataclass(frozen=True, slots=True)
class UserRow:
    """A person. `auth_type` is Pod's name of how they log in there."""

    username: str
    first_name: str
    last_name: str
    email: str
    is_active: bool
    is_administrator: bool
    auth_type: str
    affiliation: str
    groups: tuple[str, ...]
    access_groups: tuple[str, ...]
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BroadcasterRow:
    name: str
    slug: str
    url: str


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """A live gateway; before 3.8.2 it has no address and token of its own."""

    rtmp_stream_url: str
    broadcaster: int
    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MeetingRow:
    """A meeting; of a webinar, also what its event has."""

    name: str
    owner: int
    additional_owners: tuple[int, ...]
    start_at: datetime
    duration: timedelta
    recurrence: str
    frequency: int
    until: date | None
    weekdays: str
    on_nth_day: bool
    is_personal: bool
    is_webinar: bool
    enable_chat: bool
    is_restricted: bool
    access_groups: tuple[str, ...]
    guest_policy: str
    record: bool
    locks: tuple[bool, bool, bool, bool, bool]
    has_slides: bool
    description: str
    is_draft: bool
    password: str = field(repr=False)


class Dump:
    """The rows of a dump.

    Args:
        objects: what `dumpdata` wrote.

    Raises:
        DumpError: it is something else.
    """

    def __init__(self, objects: object) -> None:
        self._tables: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in MODELS}
        for one in objects if isinstance(objects, list) else [None]:
            self._add(one)
        missing = [name for name in _NEEDED if not self._tables[name]]
        if missing:
            names = ", ".join(missing)
            raise DumpError(
                say(
                    en=f"there is no row of {names}. Make the dump anew: {COMMAND}",
                    fr=f"aucune ligne de {names}. Refaites l’export\u00a0: {COMMAND}",
                )
            )

    def _add(self, one: object) -> None:
        if not isinstance(one, dict) or not isinstance(one.get("fields"), dict) or "model" not in one:
            raise DumpError(
                say(
                    en=f"this is not what dumpdata writes. Make it anew: {COMMAND}",
                    fr=f"ce n’est pas un fichier de dumpdata. Refaites-le\u00a0: {COMMAND}",
                )
            )
        table = self._tables.get(one["model"])
        if table is None:
            return
        if not isinstance(one.get("pk"), int):
            raise DumpError(
                say(
                    en="its rows have no numbers: leave out --natural-primary and --natural-foreign",
                    fr="ses lignes n’ont pas de numéro\u00a0: n’utilisez ni --natural-primary ni --natural-foreign",
                )
            )
        table[one["pk"]] = one["fields"]

    def _rows(self, model: str) -> Iterator[tuple[int, "_Fields"]]:
        for pk, fields in sorted(self._tables[model].items()):
            yield pk, _Fields(model, pk, fields)

    def sites(self) -> dict[int, str]:
        """The sites that have meetings: their numbers and names."""
        used = {fields["site"] for _pk, fields in self._rows("meeting.meeting")}
        known = self._tables["sites.site"]
        return {pk: str(known.get(pk, {}).get("domain", "")) for pk in sorted(used)}

    def access_groups(self) -> dict[int, AccessGroupRow]:
        """Access groups, by number."""
        return {
            pk: AccessGroupRow(fields["code_name"], fields["display_name"] or fields["code_name"])
            for pk, fields in self._rows("authentication.accessgroup")
        }

    def users(self) -> dict[int, UserRow]:
        """People, by number."""
        owners = {fields["user"]: fields for _pk, fields in self._rows("authentication.owner")}
        groups = {pk: fields["name"] for pk, fields in self._rows("auth.group")}
        codes = {pk: group.code_name for pk, group in self.access_groups().items()}
        return {pk: _user(fields, owners.get(pk), groups, codes) for pk, fields in self._rows("auth.user")}

    def broadcasters(self) -> dict[int, BroadcasterRow]:
        """Broadcasters, by number."""
        return {
            pk: BroadcasterRow(fields["name"], fields["slug"], fields["url"])
            for pk, fields in self._rows("live.broadcaster")
        }

    def gateways(self, site: int) -> dict[int, GatewayRow]:
        """Live gateways of a site, by number."""
        return {
            pk: GatewayRow(
                fields["rtmp_stream_url"],
                fields["broadcaster"],
                fields.get("sipmediagw_server_url", ""),
                fields.get("sipmediagw_server_token", ""),
            )
            for pk, fields in self._rows("meeting.livegateway")
            if fields["site"] == site
        }

    def meetings(self, site: int) -> dict[int, MeetingRow]:
        """Meetings of a site, by number."""
        events = dict(self._rows("live.event"))
        aired = {
            fields["meeting"]: events.get(fields["event"]) for _pk, fields in self._rows("meeting.livestream")
        }
        codes = {pk: group.code_name for pk, group in self.access_groups().items()}
        return {
            pk: _meeting(fields, aired.get(pk), codes)
            for pk, fields in self._rows("meeting.meeting")
            if fields["site"] == site
        }

    def events_alone(self) -> int:
        """How many live events belong to no webinar."""
        aired = {fields["event"] for _pk, fields in self._rows("meeting.livestream")}
        return len(set(self._tables["live.event"]) - aired)


class _Fields:
    """The fields of one row, of which each that is asked for must be there."""

    def __init__(self, model: str, pk: int, fields: dict[str, Any]) -> None:
        self._where, self._fields = f"{model} {pk}", fields

    def __getitem__(self, name: str) -> Any:
        if name not in self._fields:
            raise DumpError(
                say(
                    en=f"{self._where} has no “{name}”: is this an Esup-Pod from 3.6 to 4.1?",
                    fr=f"{self._where} n’a pas de «\u00a0{name}\u00a0»\u00a0: est-ce un Esup-Pod de 3.6 à 4.1\u202f?",
                )
            )
        return self._fields[name]

    def get(self, name: str, default: Any) -> Any:
        """The field, or `default` where this version has none."""
        value = self._fields.get(name)
        return default if value is None else value

    def time(self, name: str) -> datetime:
        """A date and time; Pod writes UTC."""
        found: datetime = self._read(name, parse_datetime)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def length(self, name: str) -> timedelta:
        """A duration."""
        found: timedelta = self._read(name, parse_duration)
        return found

    def _read(self, name: str, parse: Any) -> Any:
        try:
            found = parse(str(self[name]))
        except ValueError:
            found = None
        if found is None:
            raise DumpError(
                say(
                    en=f"“{name}” of {self._where} can’t be read",
                    fr=f"«\u00a0{name}\u00a0» de {self._where} est illisible",
                )
            )
        return found


def _user(fields: _Fields, owner: _Fields | None, groups: dict[int, str], codes: dict[int, str]) -> UserRow:
    return UserRow(
        username=fields["username"],
        first_name=fields["first_name"],
        last_name=fields["last_name"],
        email=fields["email"],
        is_active=fields["is_active"],
        is_administrator=fields["is_superuser"] or fields["is_staff"],
        auth_type=owner["auth_type"] if owner else "local",
        affiliation=owner["affiliation"] if owner else "",
        groups=tuple(sorted(groups[pk] for pk in fields["groups"] if pk in groups)),
        access_groups=_named(owner["accessgroups"] if owner else [], codes),
        password=fields["password"],
    )


def _named(numbers: list[int], names: dict[int, str]) -> tuple[str, ...]:
    return tuple(sorted(names[pk] for pk in numbers if pk in names))


def _meeting(fields: _Fields, event: _Fields | None, codes: dict[int, str]) -> MeetingRow:
    until = fields.get("recurring_until", "")
    is_webinar = fields["is_webinar"]
    return MeetingRow(
        name=fields["name"],
        owner=fields["owner"],
        additional_owners=tuple(sorted(fields["additional_owners"])),
        start_at=fields.time("start_at"),
        duration=fields.length("expected_duration"),
        recurrence=fields.get("recurrence", ""),
        frequency=fields["frequency"],
        until=parse_date(until) if until else None,
        weekdays=fields.get("weekdays", ""),
        on_nth_day=fields["monthly_type"] == "nth_day",
        is_personal=fields["is_personal"],
        is_webinar=is_webinar,
        enable_chat=fields["enable_chat"],
        is_restricted=fields["is_restricted"],
        access_groups=_named(fields["restrict_access_to_groups"], codes),
        guest_policy=fields.get("guest_policy", ""),
        record=fields["record"],
        locks=(
            fields["lock_settings_disable_cam"],
            fields["lock_settings_disable_mic"],
            fields["lock_settings_disable_public_chat"],
            fields["lock_settings_disable_private_chat"],
            fields["lock_settings_disable_note"],
        ),
        has_slides=bool(fields.get("slides", 0)),
        description=_text(event["description"]) if event else "",
        is_draft=event["is_draft"] if event else False,
        # Pod gives every meeting a password for its participants; listeners of a webinar are asked for that of the event.
        password=(event.get("password", "") if event else "") if is_webinar else fields["attendee_password"],
    )


def _text(markup: str) -> str:
    """The words of what was written in an editor."""
    broken = re.sub(r"(?i)<br\s*/?>|</(?:p|div|li|h\d)>", "\n", markup)
    text = html.unescape(strip_tags(broken)).replace("\xa0", " ")
    return re.sub(r"\n\s*\n\s*", "\n\n", text).strip()[:10_000]


def read_dump(file: Path) -> Dump:
    """Read a dump, compressed by gzip or not.

    Raises:
        DumpError: it is something else.
        OSError: it can't be read.
    """
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rt", encoding="utf-8") as text:
            return Dump(json.load(text))
    except ValueError:
        raise DumpError(say(en="this is not JSON", fr="ce n’est pas du JSON")) from None
