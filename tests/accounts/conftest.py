from collections.abc import Iterator

import pytest

from amphi.signon.directory import Directory
from tests.accounts import slapd

CLAIMS = {
    "preferred_username": "mcurie",
    "given_name": "Marie",
    "family_name": "Curie",
    "email": "marie@univ.fr",
    "eduperson_affiliation": ["member", "Faculty@univ.fr"],
    "groups": ["physique"],
}


@pytest.fixture(scope="session")
def directory(tmp_path_factory) -> Iterator[Directory]:
    """A university's directory, with people."""
    with slapd.running(tmp_path_factory.mktemp("slapd")) as url:
        yield Directory(
            urls=("ldap://127.0.0.1:9", url),
            label="Compte universitaire",
            base=f"ou=people,{slapd.BASE}",
            filter="(uid=%(uid)s)",
            bind_dn=slapd.ADMIN,
            bind_password=slapd.ADMIN_PASSWORD,
        )


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    """The address of an OpenID provider that others wrote."""
    from oidc_provider_mock import User as ItsUser  # noqa: PLC0415 -- heavy, and for two files only
    from oidc_provider_mock import run_server_in_thread  # noqa: PLC0415

    with run_server_in_thread(user_claims=[ItsUser(sub="4711", claims=CLAIMS)]) as server:
        yield f"http://localhost:{server.server_port}"
