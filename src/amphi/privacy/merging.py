"""Merging two accounts of one person. An administrator decides that they are one person: neither a name nor an email address does."""

import logging
from dataclasses import dataclass

from django.db import transaction
from django.db.models import ForeignKey, Model, Q, QuerySet
from django.utils.translation import gettext as _

from amphi.accounts.identities import end_sessions_of_account
from amphi.accounts.models import Identity, User
from amphi.audience.merging import merge_viewers
from amphi.audience.models import Event
from amphi.meetings.models import Meeting
from amphi.privacy.exceptions import MergingError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reference:
    """A column that names an account.

    Attributes:
        model: of the row.
        field: the column.
        other: what the account is joined to, where the row says nothing else.
    """

    model: type[Model]
    field: str
    other: str = ""


def references() -> list[Reference]:
    """All columns that name an account, also those of tables that come later."""
    found = []
    for relation in User._meta.get_fields(include_hidden=True):  # noqa: SLF001 -- Django's documented name
        field = getattr(relation, "field", None)
        if relation.auto_created and not relation.concrete and isinstance(field, ForeignKey):
            found.append(Reference(field.model, field.name, _other(field)))
    return found


def _other(field: "ForeignKey[Model, Model]") -> str:
    meta = field.model._meta  # noqa: SLF001
    if not meta.auto_created:
        return ""
    return next(
        one.name for one in meta.get_fields() if isinstance(one, ForeignKey) and one.name != field.name
    )


def consequences(kept: User, gone: User) -> list[str]:
    """What merging will do, in sentences for whoever decides."""
    names = {"kept": kept.get_username(), "gone": gone.get_username()}
    said = [
        _(
            "All that belongs to “%(gone)s” goes to “%(kept)s”, and the account “%(gone)s” is deleted. This can’t be undone."
        )
        % names,
        _("Whoever is logged in as “%(gone)s” is logged out, and its password no longer works.") % names,
        _("Name and email address of “%(kept)s” stay.") % names,
    ]
    said += [
        _("Who logs in by %(system)s as %(subject)s gets the account “%(kept)s”.")
        % {"system": one.provider, "subject": one.subject, "kept": names["kept"]}
        for one in gone.identities.all()
    ]
    if _personal(kept).exists() and _personal(gone).exists():
        said.append(
            _("Each has a personal room. That of “%(gone)s” becomes an ordinary meeting, with an end.")
            % names
        )
    return said


def _personal(user: User) -> QuerySet[Meeting]:
    return Meeting.objects.filter(owner=user, is_personal=True)


def merge(kept: User, gone: User, *, by: User) -> None:
    """Give all that belongs to `gone` to `kept`, and delete `gone`. All of it, or nothing.

    Raises:
        MergingError: these two can't be merged now; the text says why.
    """
    with transaction.atomic():
        _lock_meetings(gone)
        kept, gone = _locked(kept, gone)
        _check(kept, gone)
        end_sessions_of_account(gone)
        if _personal(kept).exists():
            _personal(gone).update(is_personal=False)
        _complete(kept, gone)
        for reference in references():
            _move(reference, kept, gone)
        for model in (Meeting, Event):
            for row in model._default_manager.filter(owner=kept, additional_owners=kept):  # noqa: SLF001
                row.additional_owners.remove(kept)
        merge_viewers(f"u{gone.pk}", f"u{kept.pk}")
        number, kinds = gone.delete()
        if number != 1:
            raise AssertionError(kinds)
    log.info("%s merged account %s into %s", by, gone.get_username(), kept.get_username())


def _lock_meetings(gone: User) -> None:
    """Before people, as everybody locks them."""
    theirs = Meeting.objects.filter(Q(owner=gone) | Q(additional_owners=gone)).values("pk")
    list(Meeting.objects.filter(pk__in=theirs).order_by("pk").select_for_update(no_key=True))


def _locked(kept: User, gone: User) -> tuple[User, User]:
    """Both, locked: nothing new can refer to either."""
    found = User.objects.select_for_update().order_by("pk").in_bulk([kept.pk, gone.pk])
    if len(found) != 2:  # noqa: PLR2004
        raise MergingError(_("Choose two accounts that exist."))
    return found[kept.pk], found[gone.pk]


def _check(kept: User, gone: User) -> None:
    if not (kept.is_active and gone.is_active):
        raise MergingError(_("One of these accounts is closed. Open it first."))
    if gone.is_superuser or gone.is_staff:
        raise MergingError(
            _("“%(gone)s” has rights in the administration. Keep this account, or take them away first.")
            % {"gone": gone.get_username()}
        )


def _complete(kept: User, gone: User) -> None:
    """Take what `kept` does not have. Affiliations are taken where only the university's word on `gone` is known."""
    for name in ("first_name", "last_name", "email", "language"):
        setattr(kept, name, getattr(kept, name) or getattr(gone, name))
    told = Identity.objects.filter(told_affiliation=True)
    if told.filter(user=gone).exists() and not told.filter(user=kept).exists():
        kept.affiliation, kept.affiliations = gone.affiliation, gone.affiliations
    kept.save(update_fields=["first_name", "last_name", "email", "language", "affiliation", "affiliations"])


def _move(reference: Reference, kept: User, gone: User) -> None:
    rows, field = reference.model._default_manager, reference.field  # noqa: SLF001
    if reference.other:
        had = rows.filter(**{field: kept}).values(reference.other)
        rows.filter(**{field: gone, f"{reference.other}__in": had}).delete()
    rows.filter(**{field: gone}).update(**{field: kept})
