"""Asks the systems of a university who somebody is: CAS, a directory (LDAP), OpenID Connect, SAML 2. No Django, no database."""
