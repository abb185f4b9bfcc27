"""Who may see a live again: the same rule for one person, by pages, and for those who hold tickets."""

from collections import defaultdict
from collections.abc import Collection
from collections.abc import Set as AbstractSet

from django.db.models import Q, QuerySet
from django.utils import timezone

from amphi.accounts.models import User
from amphi.audience import rights
from amphi.audience.claims import Claim
from amphi.audience.models import Event, Replay, ReplayFor
from amphi.audience.queries import reading


def is_gone(replay: Replay) -> bool:
    """Whether the time for which a replay is kept has passed."""
    return replay.delete_at is not None and replay.delete_at < timezone.now()


@reading
def refused(claims: Collection[Claim]) -> AbstractSet[Claim]:
    """The claims that are not valid now: those to live events by their rule, those to replays by whom they are shown to.

    Raises:
        LogUnavailableError: the database can't be read now.
    """
    by_replay: dict[int, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_replay[claim.replay_id].append(claim)
    found = set(rights.refused(by_replay.pop(0, [])))
    replays = Replay.objects.select_related("airing__event").in_bulk(by_replay)
    for replay_id, held in by_replay.items():
        replay = replays.get(replay_id)
        found |= set(held) if replay is None else _refused(replay, held)
    return found


def _refused(replay: Replay, claims: list[Claim]) -> AbstractSet[Claim]:
    event = replay.airing.event
    strangers = {claim for claim in claims if claim.event_id != event.pk}
    if is_gone(replay):
        return set(claims)
    ours = [claim for claim in claims if claim not in strangers]
    if replay.shown_to == ReplayFor.PUBLIC and not event.is_draft:
        return strangers
    if replay.shown_to == ReplayFor.PRESENTERS or event.is_draft:
        owners = rights.owners(event, [int(one.viewer[1:]) for one in ours if one.viewer.startswith("u")])
        return strangers | {
            one for one in ours if not (one.viewer.startswith("u") and int(one.viewer[1:]) in owners)
        }
    return strangers | rights.refused_of(event, ours)


def can_see(user: User, replay: Replay) -> bool:
    """Whether an account alone opens a replay."""
    event = replay.airing.event
    if rights.moderates_event(user, event):
        return True
    if event.is_draft or is_gone(replay):
        return False
    if replay.shown_to == ReplayFor.PUBLIC:
        return True
    return replay.shown_to == ReplayFor.ATTENDEES and rights.admits_account(user, event)


def shown_to_account(rows: QuerySet[Replay], user: User, event: Event) -> QuerySet[Replay]:
    """The replays of `event` that an account alone opens: the rule of `can_see` for a list."""
    if rights.moderates_event(user, event):
        return rows
    kinds = [ReplayFor.PUBLIC, *([ReplayFor.ATTENDEES] if rights.admits_account(user, event) else [])]
    is_kept = Q(delete_at=None) | Q(delete_at__gte=timezone.now())
    return rows.none() if event.is_draft else rows.filter(is_kept, shown_to__in=kinds)
