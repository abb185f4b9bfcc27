"""The audience's pages. The event stream, `/live/<event id>/events`, is not Django's: see `amphi.pages.asgi`."""

from django.urls import path

from amphi.pages.live import calendar_views, registration_views, reminder_views, views

app_name = "live"

urlpatterns = [
    path("", views.event_list, name="list"),
    path("directs.ics", calendar_views.feed, name="feed"),
    path("mail/stop/<str:token>", reminder_views.unsubscribe, name="unsubscribe"),
    path("live/<slug:slug>/registration", registration_views.registration, name="registration"),
    path("live/<slug:slug>/r/<str:token>", registration_views.registered, name="registered"),
    path("live/<slug:slug>/reminder", reminder_views.ask, name="reminder"),
    path("live/<slug:slug>/reminder/<str:token>", reminder_views.confirm, name="confirm_reminder"),
    path("live/<slug:slug>/calendar.ics", calendar_views.event, name="calendar"),
    path("live/<slug:slug>/", views.event_page, name="event"),
    path("live/<slug:slug>/password", views.door, name="door"),
    path("live/<slug:slug>/state", views.state, name="state"),
    path("live/<slug:slug>/messages", views.message, name="message"),
]
