"""Addresses of meetings."""

from django.urls import path

from amphi.meetings import views

app_name = "meetings"
urlpatterns = [path("", views.meeting_list, name="list")]
