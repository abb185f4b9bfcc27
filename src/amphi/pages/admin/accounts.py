"""Users and access groups in the administration."""

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import AccessGroup, Identity, User
from amphi.pages.accounts.forms import AdminLoginForm
from amphi.pod_import.ledger import follow_person
from amphi.privacy import holdings, merging
from amphi.privacy.exceptions import MergingError
from amphi.privacy.holdings import Section, Subject

admin.site.login_form = AdminLoginForm


class IdentityInline(admin.TabularInline):
    """By which systems of the university a person gets this account."""

    model = Identity
    extra = 0
    readonly_fields = ["seen_at"]


@admin.register(Identity)
class IdentityAdmin(admin.ModelAdmin):
    """Whoever may change accounts links a sign-on to another one here."""

    list_display = ["subject", "provider", "user", "seen_at"]
    list_filter = ["provider"]
    search_fields = ["subject", "user__username", "user__last_name", "user__email"]
    autocomplete_fields = ["user"]
    readonly_fields = ["created_at", "seen_at"]


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    list_display = ["username", "first_name", "last_name", "email", "affiliation", "is_staff", "is_active"]
    list_filter = ["affiliation", "is_staff", "is_superuser", "is_active", "groups"]
    search_fields = ["username", "first_name", "last_name", "email"]
    inlines = [IdentityInline]
    readonly_fields = ["affiliations"]
    fieldsets = [
        *DjangoUserAdmin.fieldsets,
        (_("University"), {"fields": ["affiliation", "affiliations", "access_groups"]}),
    ]
    filter_horizontal = ["groups", "user_permissions", "access_groups"]
    actions = ["merge"]

    def has_merge_permission(self, request: HttpRequest) -> bool:
        """Whoever merges gives the rights of one account to another."""
        return bool(request.user.is_superuser)

    @admin.action(description=_("Merge two accounts of one person…"), permissions=["merge"])
    def merge(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        """Ask which account stays, say what merging does, and do it once that is confirmed."""
        pair = list(users.order_by("date_joined", "pk")[:3])
        if len(pair) != 2:  # noqa: PLR2004
            self.message_user(request, gettext("Choose two accounts of one person."), messages.ERROR)
            return None
        chosen = {str(user.pk): user for user in pair}.get(request.POST.get("kept", ""))
        if chosen is None or "confirmed" not in request.POST:
            return self._ask(request, pair, chosen)
        gone = next(user for user in pair if user != chosen)
        try:
            with transaction.atomic():
                merging.merge(chosen, gone, by=request.user)
                follow_person(gone.pk, chosen.pk)
        except MergingError as error:
            self.message_user(request, str(error), messages.ERROR)
            return None
        said = gettext("The account “%(gone)s” is now a part of “%(kept)s”.")
        said %= {"gone": gone.get_username(), "kept": chosen.get_username()}
        self.log_change(request, chosen, said)
        self.message_user(request, said, messages.SUCCESS)
        return None

    def _belongings(self, user: User) -> list[tuple[Section, int]]:
        """How much there is of each kind, but for what the page shows anyway."""
        return [
            (section, count)
            for section, count in holdings.counts(Subject((user,)))
            if section.key not in {"account", "sign_ons"}
        ]

    def _ask(self, request: HttpRequest, pair: list[User], kept: User | None) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": gettext("Merge two accounts"),
            "opts": self.model._meta,  # noqa: SLF001 -- Django's name for it
            "checkbox": ACTION_CHECKBOX_NAME,
            "pair": [(user, user.identities.all(), self._belongings(user)) for user in pair],
            "kept": kept,
            "consequences": kept and merging.consequences(kept, next(user for user in pair if user != kept)),
        }
        return TemplateResponse(request, "admin/merge_accounts.html", context)


@admin.register(AccessGroup)
class AccessGroupAdmin(admin.ModelAdmin):
    list_display = ["display_name", "code_name"]
    search_fields = ["display_name", "code_name"]
