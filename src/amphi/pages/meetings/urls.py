"""Addresses of meetings."""

from django.urls import path

from amphi.pages.meetings import invite_views, join_views, session_views, views

app_name = "meetings"
urlpatterns = [
    path("", views.meeting_list, name="list"),
    path("add/", views.add, name="add"),
    path("personal/", views.personal, name="personal"),
    path("slides/<str:token>/<str:name>", views.slides_file, name="slides"),
    path("<slug:slug>/", views.detail, name="detail"),
    path("<slug:slug>/edit/", views.edit, name="edit"),
    path("<slug:slug>/delete/", views.delete, name="delete"),
    path("<slug:slug>/start/", views.start, name="start"),
    path("<slug:slug>/join/", join_views.join, name="join"),
    path("<slug:slug>/join/<str:key>/", join_views.join, name="join_invited"),
    path("<slug:slug>/left/", join_views.left, name="left"),
    path("<slug:slug>/duplicate/", views.duplicate, name="duplicate"),
    path("<slug:slug>/sessions/", session_views.sessions, name="sessions"),
    path("<slug:slug>/sessions/<int:pk>/", session_views.sessions, name="session"),
    path("<slug:slug>/sessions/<int:pk>.csv", session_views.session_csv, name="session_csv"),
    path("<slug:slug>/invite/", invite_views.invite, name="invite"),
    path("<slug:slug>/invite/again/", invite_views.invite_again, name="invite_again"),
    path("<slug:slug>/invite/new-link/", invite_views.renew_link, name="renew_link"),
    path("<slug:slug>/move/", views.move, name="move"),
]
