"""Addresses that a gateway's browser opens. They have no trailing slash, since gateways add none after a room."""

from django.urls import path

from amphi.pages.webinars import join_page

app_name = "join_page"
urlpatterns = [
    path("meeting/<slug:slug>/<str:key>/<str:room>", join_page.by_key, name="by_key"),
    path("g/<str:room>", join_page.by_room, name="by_room"),
]
