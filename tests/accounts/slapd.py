"""OpenLDAP's server on a free loopback port, with a few people."""

import base64
import hashlib
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import ldap3

from tests import ports

BASE = "dc=univ,dc=fr"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "search me"
PASSWORD = "correct horse"
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.5923.1.1.1.1 NAME 'eduPersonAffiliation' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributetype ( 1.3.6.1.4.1.5923.1.1.1.5 NAME 'eduPersonPrimaryAffiliation' EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.5923.1.5.1.1 NAME 'isMemberOf' EQUALITY caseExactMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.5923.1.1.2 NAME 'eduPerson' AUXILIARY MAY ( eduPersonAffiliation $ eduPersonPrimaryAffiliation $ isMemberOf ) )
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
maxsize 8388608
suffix "{base}"
rootdn "{admin}"
rootpw {password}
directory {folder}/data
require bind
access to attrs=userPassword by anonymous auth by * none
access to * by users read
"""


def hashed(password: str) -> str:
    return (
        "{SHA}" + base64.b64encode(hashlib.sha1(password.encode(), usedforsecurity=False).digest()).decode()
    )


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A directory until the block is left; gives its address."""
    (folder / "data").mkdir(parents=True)
    configuration = folder / "slapd.conf"
    configuration.write_text(
        CONFIGURATION.replace("{folder}", str(folder))
        .replace("{base}", BASE)
        .replace("{admin}", ADMIN)
        .replace("{password}", hashed(ADMIN_PASSWORD))
    )
    url = f"ldap://127.0.0.1:{ports.reserve()}"
    with subprocess.Popen(
        ["/usr/sbin/slapd", "-f", str(configuration), "-h", url, "-d", "0"], stderr=subprocess.DEVNULL
    ) as process:
        try:
            _fill(url)
            yield url
        finally:
            process.terminate()


def _fill(url: str) -> None:
    deadline = time.monotonic() + 60
    # ldap3 leaves sockets open that it can't connect.
    while not _listens(url):
        assert time.monotonic() < deadline, "slapd does not answer"
        time.sleep(0.02)
    connection = ldap3.Connection(
        ldap3.Server(url, get_info=ldap3.NONE), ADMIN, ADMIN_PASSWORD, auto_bind=True
    )
    connection.add(BASE, ["dcObject", "organization"], {"dc": "univ", "o": "Université"})
    connection.add(f"ou=people,{BASE}", "organizationalUnit", {"ou": "people"})
    for uid, name, affiliation in (("mcurie", "Curie", "faculty"), ("hbernard", "Bernard", "student")):
        person = {
            "uid": uid,
            "cn": name,
            "sn": name,
            "givenName": uid[0].upper(),
            "mail": f"{uid}@univ.fr",
            "userPassword": hashed(PASSWORD),
            "eduPersonPrimaryAffiliation": affiliation,
            "eduPersonAffiliation": [affiliation, "member"],
            "isMemberOf": [f"univ:{affiliation}"],
        }
        assert connection.add(f"uid={uid},ou=people,{BASE}", ["inetOrgPerson", "eduPerson"], person), (
            connection.result
        )
    connection.unbind()


def _listens(url: str) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))):
        return True
    return False
