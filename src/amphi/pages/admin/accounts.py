"""Users and access groups in the administration."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.utils.translation import gettext_lazy as _

from amphi.accounts.models import AccessGroup, User
from amphi.pages.accounts.forms import AdminLoginForm

admin.site.login_form = AdminLoginForm


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    list_display = ["username", "first_name", "last_name", "email", "affiliation", "is_staff", "is_active"]
    list_filter = ["affiliation", "is_staff", "is_superuser", "is_active", "groups"]
    search_fields = ["username", "first_name", "last_name", "email"]
    fieldsets = [*DjangoUserAdmin.fieldsets, (_("University"), {"fields": ["affiliation", "access_groups"]})]
    filter_horizontal = ["groups", "user_permissions", "access_groups"]


@admin.register(AccessGroup)
class AccessGroupAdmin(admin.ModelAdmin):
    list_display = ["display_name", "code_name"]
    search_fields = ["display_name", "code_name"]
