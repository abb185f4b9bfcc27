"""Groups and people."""

from typing import Any

from django.contrib.auth.hashers import identify_hasher
from django.contrib.auth.models import Group

from amphi.accounts.models import AccessGroup, Identity, User
from amphi.pod_import.dump import AccessGroupRow, UserRow
from amphi.pod_import.ledger import LeftOutError, Report
from amphi.signon import cas, shibboleth
from amphi.system.terminal import say

PROVIDERS = {"CAS": cas.PROVIDER, "Shibboleth": shibboleth.PROVIDER}
"""By which system somebody signs on here whom Pod knows by it, under the same name. OpenID Connect has another identifier."""


class AccessGroups:
    """Access groups, which are the same where they have the same code."""

    name = "access_group"
    model = AccessGroup

    def label(self, row: AccessGroupRow) -> str:
        return row.code_name

    def known(self, row: AccessGroupRow) -> AccessGroup | None:
        return AccessGroup.objects.filter(code_name=row.code_name).first()

    def make(self, row: AccessGroupRow) -> AccessGroup:
        return AccessGroup.objects.create(code_name=row.code_name, display_name=row.display_name)

    def change(self, found: AccessGroup, row: AccessGroupRow) -> None:
        found.display_name = row.display_name
        found.save(update_fields=["display_name"])

    def current(self, found: AccessGroup) -> dict[str, Any]:
        return {"display_name": found.display_name}


class People:
    """People. Nobody gets the rights of an administrator, and nobody an account that is here already because of its name alone.

    Args:
        report: where to say what is left to do.
        same_names: whether an account of the same name is the same person.
    """

    name = "user"
    model = User

    def __init__(self, report: Report, *, same_names: bool) -> None:
        self._report, self._same_names = report, same_names

    def label(self, row: UserRow) -> str:
        return row.username

    def known(self, row: UserRow) -> User | None:
        provider = PROVIDERS.get(row.auth_type)
        identity = (
            Identity.objects.select_related("user").filter(provider=provider, subject=row.username).first()
        )
        if provider and identity is not None:
            return identity.user
        found = User.objects.filter(username__iexact=row.username).first()
        if found is not None and not self._same_names:
            raise LeftOutError(
                say(
                    en="an account of this name is here already. Once you are sure that all these are the same people: --same-names",
                    fr="un compte de ce nom existe déjà ici. Si vous êtes sûr que ce sont les mêmes personnes\u00a0: --same-names",
                )
            )
        return found

    def make(self, row: UserRow) -> User:
        user = User(username=row.username[:150], is_active=row.is_active)
        if row.auth_type == "local" and _is_usable(row.password):
            user.password = row.password
        else:
            user.set_unusable_password()
        self._write(user, row)
        if provider := PROVIDERS.get(row.auth_type):
            Identity.objects.create(user=user, provider=provider, subject=row.username)
        elif row.auth_type != "local":
            self._say(
                row,
                en=f"logs in by {row.auth_type}: link this account in the administration, with the identifier that it has there",
                fr=f"s’authentifie par {row.auth_type}\u00a0: reliez ce compte dans l’administration, avec l’identifiant qu’il y a",
            )
        if row.is_administrator:
            self._say(
                row,
                en="administers Pod: give these rights here yourself if they should have them",
                fr="administre Pod\u00a0: donnez-lui ces droits ici vous-même si nécessaire",
            )
        return user

    def change(self, found: User, row: UserRow) -> None:
        self._write(found, row)

    def _write(self, user: User, row: UserRow) -> None:
        user.first_name, user.last_name = row.first_name[:150], row.last_name[:150]
        user.email, user.affiliation = row.email, row.affiliation
        user.save()
        user.access_groups.set(AccessGroup.objects.filter(code_name__in=row.access_groups))
        user.groups.set([group for name in row.groups if (group := self._group(row, name)) is not None])

    def _group(self, row: UserRow, name: str) -> Group | None:
        group, _made = Group.objects.get_or_create(name=name)
        if group.permissions.exists():
            self._say(
                row,
                en=f"is in the group “{name}”, which has permissions here: add them yourself",
                fr=f"est dans le groupe «\u00a0{name}\u00a0», qui a des permissions ici\u00a0: ajoutez ce compte vous-même",
            )
            return None
        return group

    def _say(self, row: UserRow, *, en: str, fr: str) -> None:
        self._report.remark(self.name, row.username, say(en=en, fr=fr))

    def current(self, found: User) -> dict[str, Any]:
        names = ("first_name", "last_name", "email", "affiliation")
        return {name: getattr(found, name) for name in names} | {
            "access_groups": sorted(found.access_groups.values_list("code_name", flat=True)),
            "groups": sorted(found.groups.values_list("name", flat=True)),
        }


def _is_usable(password: str) -> bool:
    """Whether it is a hash that this Django can verify."""
    try:
        identify_hasher(password)
    except ValueError:
        return False
    return True
