"""Dumps as `manage.py dumpdata` writes them, with the fields that Esup-Pod's models have in each version.

After ``pod/meeting/models.py``, ``pod/live/models.py`` and ``pod/authentication/models.py`` of the tags 3.6.1, 3.7.0, 3.8.4, 4.0.3 and 4.1.0.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

VERSIONS = ("3.6.1", "3.7.0", "3.8.4", "4.0.3", "4.1.0")
WITHOUT_GATEWAY_ADDRESS = frozenset({"3.6.1", "3.7.0"})
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
HASH = "pbkdf2_sha256$260000$c2FsdHNhbHQ$J7kU2GbGZ0q3eJ2zHh1uXwqk0sWv0Xw4a2b6JX7zvJ8="


def iso(at: datetime) -> str:
    """As Django's JSON encoder writes it."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def user(pk: int, username: str, **fields: Any) -> dict[str, Any]:
    """``auth.user``."""
    return _row(
        "auth.user",
        pk,
        {
            "password": "",
            "last_login": None,
            "is_superuser": False,
            "username": username,
            "first_name": username.capitalize(),
            "last_name": "Martin",
            "email": f"{username}@univ.fr",
            "is_staff": False,
            "is_active": True,
            "date_joined": "2024-01-01T08:00:00Z",
            "groups": [],
            "user_permissions": [],
        },
        fields,
    )


def owner(pk: int, **fields: Any) -> dict[str, Any]:
    """``authentication.owner``, of the user with the same number."""
    return _row(
        "authentication.owner",
        pk,
        {
            "user": pk,
            "auth_type": "CAS",
            "affiliation": "faculty",
            "commentaire": "",
            "hashkey": f"{pk:064d}",
            "userpicture": None,
            "establishment": "Etab_1",
            "accepts_notifications": None,
            "accessgroups": [],
            "sites": [1],
        },
        fields,
    )


def access_group(pk: int, code_name: str, **fields: Any) -> dict[str, Any]:
    """``authentication.accessgroup``."""
    given = {"display_name": code_name.upper(), "code_name": code_name, "auto_sync": False, "sites": [1]}
    return _row("authentication.accessgroup", pk, given | {"users": []}, fields)


def broadcaster(pk: int, name: str, **fields: Any) -> dict[str, Any]:
    """``live.broadcaster``."""
    return _row(
        "live.broadcaster",
        pk,
        {
            "name": name,
            "slug": name,
            "building": 1,
            "description": "",
            "poster": None,
            "url": f"https://live.univ.fr/hls/{name}.m3u8",
            "status": False,
            "enable_add_event": True,
            "enable_viewer_count": True,
            "is_restricted": False,
            "public": True,
            "piloting_implementation": "",
            "piloting_conf": "",
            "main_lang": "fr",
            "transcription_file": "",
            "manage_groups": [],
        },
        fields,
    )


def gateway(version: str, pk: int, broadcaster_pk: int, **fields: Any) -> dict[str, Any]:
    """``meeting.livegateway``."""
    given = {
        "rtmp_stream_url": f"rtmp://live.univ.fr/live/salle{pk}?key=s3cret",
        "broadcaster": broadcaster_pk,
        "sipmediagw_server_url": f"https://sipmediagw{pk}.univ.fr",
        "sipmediagw_server_token": "t0ken",
        "site": 1,
    }
    if version in WITHOUT_GATEWAY_ADDRESS:
        del given["sipmediagw_server_url"], given["sipmediagw_server_token"]
    return _row("meeting.livegateway", pk, given, fields)


def meeting(pk: int, name: str, **fields: Any) -> dict[str, Any]:
    """``meeting.meeting``."""
    return _row(
        "meeting.meeting",
        pk,
        {
            "name": name,
            "meeting_id": f"{pk:04d}-x",
            "owner": 1,
            "additional_owners": [],
            "attendee_password": "entrez",
            "moderator_password": "moderez",
            "start_at": iso(NOW + timedelta(days=3)),
            "expected_duration": "02:00:00",
            "recurrence": None,
            "frequency": 1,
            "recurring_until": "2026-11-29",
            "nb_occurrences": 1,
            "weekdays": "6",
            "monthly_type": "date_day",
            "is_restricted": False,
            "restrict_access_to_groups": [],
            "is_running": False,
            "slides": None,
            "site": 1,
            "max_participants": 150,
            "welcome_text": "Bienvenue !",
            "logout_url": "",
            "webcam_only_for_moderators": False,
            "record": False,
            "auto_start_recording": False,
            "allow_start_stop_recording": True,
            "guest_policy": "ASK_MODERATOR",
            "lock_settings_disable_cam": True,
            "lock_settings_disable_mic": False,
            "lock_settings_disable_private_chat": False,
            "lock_settings_disable_public_chat": False,
            "lock_settings_disable_note": False,
            "lock_settings_locked_layout": False,
            "parent_meeting_id": None,
            "internal_meeting_id": None,
            "voice_bridge": 70000 + pk,
            "bbb_create_time": None,
            "is_personal": False,
            "created_at": "2026-01-01T08:00:00Z",
            "updated_at": "2026-01-01T08:00:00Z",
            "is_webinar": False,
            "enable_chat": False,
        },
        fields,
    )


def event(pk: int, title: str, **fields: Any) -> dict[str, Any]:
    """``live.event``."""
    return _row(
        "live.event",
        pk,
        {
            "slug": f"{pk:04d}-x",
            "title": title,
            "description": "<p>Une introduction&nbsp;: l&rsquo;atome.</p><ul><li>Rutherford</li></ul>",
            "owner": 1,
            "start_date": iso(NOW + timedelta(days=3)),
            "end_date": iso(NOW + timedelta(days=3, hours=2)),
            "broadcaster": 1,
            "type": 1,
            "iframe_url": None,
            "iframe_height": None,
            "aside_iframe_url": None,
            "is_draft": False,
            "is_restricted": False,
            "is_auto_start": False,
            "is_recording_stopped": False,
            "video_on_hold": None,
            "thumbnail": None,
            "password": None,
            "max_viewers": 0,
            "enable_transcription": False,
            "additional_owners": [],
            "restrict_access_to_groups": [],
            "viewers": [],
            "videos": [],
        },
        fields,
    )


def livestream(pk: int, meeting_pk: int, event_pk: int, gateway_pk: int) -> dict[str, Any]:
    """``meeting.livestream``."""
    given = {"meeting": meeting_pk, "status": 0, "event": event_pk, "live_gateway": gateway_pk}
    return _row("meeting.livestream", pk, given, {})


def _row(model: str, pk: int, given: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    assert set(fields) <= set(given), set(fields) - set(given)
    return {"model": model, "pk": pk, "fields": given | fields}


def university(version: str = "4.1.0") -> list[dict[str, Any]]:
    """A small Pod: two people by CAS, a local account, two gateways, a webinar, and meetings of all kinds."""
    weekly = {"recurrence": "weekly", "start_at": "2025-09-01T08:00:00Z", "weekdays": "03"}
    return [
        {"model": "sites.site", "pk": 1, "fields": {"domain": "pod.univ.fr", "name": "Pod"}},
        {"model": "auth.group", "pk": 7, "fields": {"name": "webinar admin", "permissions": []}},
        {"model": "video.video", "pk": 1, "fields": {}},
        access_group(4, "l1"),
        user(1, "marie", groups=[7], is_superuser=True),
        owner(1, accessgroups=[4]),
        user(2, "pierre", password=HASH),
        owner(2, auth_type="local", affiliation="staff"),
        user(3, "irene"),
        owner(3, auth_type="Shibboleth"),
        broadcaster(1, "salle1"),
        broadcaster(2, "salle2"),
        gateway(version, 1, 1),
        gateway(version, 2, 2),
        meeting(
            1,
            "La radioactivité",
            is_webinar=True,
            enable_chat=True,
            additional_owners=[2],
            is_restricted=True,
            restrict_access_to_groups=[4],
        ),
        event(9, "La radioactivité"),
        livestream(5, 1, 9, 1),
        meeting(2, "Point d’équipe", owner=2, **weekly | {"recurring_until": "2027-06-30"}),
        meeting(3, "Tous les quinze jours", **weekly | {"recurring_until": None, "frequency": 2}),
        meeting(4, "Passée", start_at="2026-01-05T08:00:00Z"),
        meeting(5, "Mon salon", is_personal=True),
        event(10, "Sans webinaire"),
    ]
