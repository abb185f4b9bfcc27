"""Every address of the platform."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("amphi.live.urls")),
    path("accounts/", include("amphi.accounts.urls")),
    path("meetings/", include("amphi.meetings.urls")),
    path("webinars/", include("amphi.webinars.urls")),
    path("webinars/", include("amphi.webinars.hook_urls")),
    path("", include("amphi.webinars.join_urls")),
    path("admin/", admin.site.urls),
]
