"""Addresses of meetings."""

from django.urls import path

from amphi.meetings import views

app_name = "meetings"
urlpatterns = [
    path("", views.meeting_list, name="list"),
    path("add/", views.add, name="add"),
    path("<slug:slug>/", views.detail, name="detail"),
    path("<slug:slug>/edit/", views.edit, name="edit"),
    path("<slug:slug>/delete/", views.delete, name="delete"),
    path("<slug:slug>/start/", views.start, name="start"),
    path("<slug:slug>/join/", views.join, name="join"),
    path("<slug:slug>/move/", views.move, name="move"),
]
