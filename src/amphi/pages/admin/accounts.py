"""Users and access groups in the administration."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import AccessGroup, Identity, User
from amphi.pages.accounts.forms import AdminLoginForm

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


@admin.register(AccessGroup)
class AccessGroupAdmin(admin.ModelAdmin):
    list_display = ["display_name", "code_name"]
    search_fields = ["display_name", "code_name"]
