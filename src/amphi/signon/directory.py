"""A client of a university's directory (LDAP, RFC 4511): who has this name and password, and what is told of somebody."""

import contextlib
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars

from amphi.signon.exceptions import RefusedError, SignOnError, UnreachableError, WrongPasswordError
from amphi.signon.person import LONGEST_VALUE, USUAL_NAMES, Attributes, Person, person_of

PROVIDER = "ldap"
TIMEOUT_S = 5
LONGEST_PASSWORD = 1024
_REFUSALS = frozenset({19, 32, 48, 49, 50, 53})
"""How a directory says no to somebody (RFC 4511, appendix A): a wrong password, or an account that is locked or has none."""


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory.

    Attributes:
        urls: its servers, each as ``ldaps://ldap.univ.fr`` or ``ldap://ldap.univ.fr:389``; the first that answers is asked.
        label: what its form says.
        base: where people are, as ``ou=people,dc=univ,dc=fr``.
        filter: finds one of them, as ``(uid=%(uid)s)``.
        logs_in: whether people log in with its passwords; else it only tells of people who sign on by CAS.
        bind_dn: the account that may search; empty searches without one.
        bind_password: of that account.
        names: the attribute of each field of a person, where it is not the usual one.
        start_tls: whether an ``ldap://`` connection is encrypted before anything is sent.
        ca_file: certificates to trust instead of the system's.
    """

    urls: tuple[str, ...]
    label: str
    base: str
    filter: str
    logs_in: bool = True
    bind_dn: str = ""
    bind_password: str = field(default="", repr=False)
    names: Mapping[str, str] = field(default_factory=dict)
    start_tls: bool = False
    ca_file: str = ""

    def log_in(self, name: str, password: str) -> Person:
        """The person who has this name and password.

        Raises:
            WrongPasswordError: there is none.
            UnreachableError: the directory can't be asked.
        """
        # A directory takes an empty password as no login at all, and says yes (RFC 4513, section 5.1.2).
        if not password or len(password) > LONGEST_PASSWORD or "\0" in password:
            raise WrongPasswordError("no password")
        with self._searching() as connection:
            found = self._find(connection, name)
        if found is None:
            raise WrongPasswordError("there is no such name")
        dn, attributes = found
        with self._connected(dn, password):
            return self._person(name, attributes)

    def complete(self, person: Person) -> Person:
        """`person`, who signed on elsewhere by the same name, as the directory tells of them.

        Raises:
            RefusedError: the directory does not know them.
            UnreachableError: the directory can't be asked.
        """
        with self._searching() as connection:
            found = self._find(connection, person.subject)
        if found is None:
            raise RefusedError("the directory does not know who signed on")
        return person_of(
            {"uid": [person.username], **found[1]},
            provider=person.provider,
            subject=person.subject,
            names=self.names,
            session=person.session,
        )

    def check(self) -> None:
        """Log in as the account that searches, and look whether the base is there.

        Raises:
            SignOnError: one of its subclasses.
        """
        with self._searching() as connection:
            connection.search(self.base, "(objectClass=*)", ldap3.BASE, attributes=[])
            if not connection.entries:
                raise RefusedError(f"it shows no {self.base} to the account that searches")

    @contextlib.contextmanager
    def _searching(self) -> Iterator[Any]:
        """A connection of the account that searches."""
        try:
            with self._connected(self.bind_dn, self.bind_password) as connection:
                yield connection
        except WrongPasswordError:
            raise UnreachableError("it refuses the account that searches") from None

    @contextlib.contextmanager
    def _connected(self, dn: str, password: str) -> Iterator[Any]:
        """A connection as `dn`.

        Raises:
            WrongPasswordError: it is not the password of `dn`.
            UnreachableError: the directory can't be asked.
        """
        connection = None
        try:
            connection = self._open(dn, password)
            yield connection
        except LDAPException as error:
            raise UnreachableError(f"the directory can't be asked: {type(error).__name__}") from error
        finally:
            if connection is not None:
                with contextlib.suppress(LDAPException):
                    connection.unbind()

    def _open(self, dn: str, password: str) -> Any:
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=self.ca_file or None)
        for number, url in enumerate(self.urls, 1):
            server = ldap3.Server(url, connect_timeout=TIMEOUT_S, get_info=ldap3.NONE, tls=tls)
            connection = ldap3.Connection(
                server,
                user=dn or None,
                password=password or None,
                receive_timeout=TIMEOUT_S,
                auto_referrals=False,
                read_only=True,
                check_names=False,
            )
            try:
                # ldap3 keeps sockets open that it can't connect, and has none of their errors.
                socket.create_connection((server.host, server.port), TIMEOUT_S).close()
            except OSError as error:
                if number == len(self.urls):
                    raise UnreachableError(f"no server of it answers: {error}") from error
                continue
            try:
                connection.open(read_server_info=False)
                return self._bound(connection)
            except (LDAPException, SignOnError):
                connection.unbind()
                raise
        raise UnreachableError("no server of it is named")

    def _bound(self, connection: Any) -> Any:
        """The same connection, encrypted where that is wanted, and logged in."""
        if self.start_tls and not connection.start_tls(read_server_info=False):
            raise UnreachableError("it does not encrypt the connection (StartTLS)")
        if connection.bind(read_server_info=False):
            return connection
        said = connection.result["description"]
        if connection.result["result"] in _REFUSALS:
            raise WrongPasswordError(f"it refuses the password: {said}")
        raise UnreachableError(f"it refuses a login: {said}")

    def _find(self, connection: Any, name: str) -> tuple[str, Attributes] | None:
        """The entry of somebody, if it is the only one."""
        if not name or len(name) > LONGEST_VALUE:
            return None
        usual = (one for names in USUAL_NAMES.values() for one in names)
        wanted = sorted({*self.names.values(), *usual})
        connection.search(
            self.base,
            self.filter % {"uid": escape_filter_chars(name)},
            ldap3.SUBTREE,
            attributes=wanted,
            size_limit=2,
            time_limit=TIMEOUT_S,
        )
        if len(connection.entries) != 1:
            return None
        entry = connection.entries[0]
        return entry.entry_dn, {
            key: [str(one) for one in values] for key, values in entry.entry_attributes_as_dict.items()
        }

    def _person(self, name: str, attributes: Attributes) -> Person:
        found = {key.lower(): list(values) for key, values in attributes.items()}
        named = self.names.get("username", "uid").lower()
        # The directory's own spelling: it takes a name in any case, and each would else be another account.
        subject = next(iter(found.get(named, ())), name.strip().lower())
        return person_of(attributes, provider=PROVIDER, subject=subject, names=self.names)
