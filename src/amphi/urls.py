"""Every address of the platform."""

from django.contrib import admin
from django.urls import include, path

from amphi.pages.metrics import metrics

urlpatterns = [
    path("", include("amphi.pages.live.urls")),
    path("about/", include("amphi.pages.about.urls")),
    path("accounts/", include("amphi.pages.accounts.urls")),
    path("meetings/", include("amphi.pages.meetings.urls")),
    path("webinars/", include("amphi.pages.webinars.urls")),
    path("webinars/", include("amphi.pages.webinars.hook_urls")),
    path("", include("amphi.pages.webinars.join_urls")),
    path("lti/", include("amphi.pages.lti.urls")),
    path("metrics", metrics, name="metrics"),
    path("api/v1/", include("amphi.api.urls")),
    path("admin/", admin.site.urls),
]
handler400 = "amphi.pages.errors.unreadable"
handler404 = "amphi.pages.errors.missing"
handler500 = "amphi.pages.errors.failed"
