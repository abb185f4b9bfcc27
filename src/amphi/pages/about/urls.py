"""Addresses of the public pages about the service, and of the institution's logo."""

from django.urls import path

from amphi.pages.about import views

app_name = "about"
urlpatterns = [
    path("accessibility/", views.accessibility, name="accessibility"),
    path("personal-data/", views.personal_data, name="personal_data"),
    path("logo", views.logo, name="logo"),
]
