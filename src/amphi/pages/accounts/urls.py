"""Addresses of logging in and out, of signing on, and of the language."""

from django.urls import path

from amphi.pages.accounts import (
    cas_views,
    data_views,
    oidc_views,
    saml_views,
    shibboleth_views,
    token_views,
    views,
    way_views,
)

app_name = "accounts"
urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("language/", views.language, name="language"),
    path("tokens/", token_views.token_list, name="tokens"),
    path("tokens/<int:pk>/revoke/", token_views.revoke, name="revoke_token"),
    path("ways/", way_views.way_list, name="ways"),
    path("ways/add/", way_views.add_way, name="add_way"),
    path("ways/<int:pk>/remove/", way_views.remove_way, name="remove_way"),
    path("my-data/", data_views.my_data, name="data"),
    path("my-data/copy/", data_views.my_copy, name="copy"),
    path("my-data/erase/", data_views.erase, name="erase"),
    path("sign-on/directory/", views.directory_login, name="directory"),
    path("sign-on/cas/", cas_views.begin, name="cas_begin"),
    path("sign-on/cas/back/", cas_views.back, name="cas_back"),
    path("sign-on/oidc/", oidc_views.begin, name="oidc_begin"),
    path("sign-on/oidc/back/", oidc_views.back, name="oidc_back"),
    path("sign-on/oidc/logout/", oidc_views.ended, name="oidc_ended"),
    path("sign-on/saml/", saml_views.begin, name="saml_begin"),
    path("sign-on/saml/consume/", saml_views.consume, name="saml_consume"),
    path("sign-on/saml/finish/", saml_views.finish, name="saml_finish"),
    path("sign-on/saml/ended/", saml_views.logged_out, name="saml_ended"),
    path("sign-on/saml/metadata/", saml_views.metadata, name="saml_metadata"),
    path("sign-on/shibboleth/", shibboleth_views.begin, name="shibboleth_begin"),
    path("sign-on/shibboleth/back/", shibboleth_views.back, name="shibboleth_back"),
    path("sign-on/shibboleth/ended/", shibboleth_views.ended, name="shibboleth_ended"),
]
