"""`amphi import-pod`: people, live gateways and coming meetings of an Esup-Pod 3.6 to 4.1, from a dump of its tables.

Written after Esup-Pod's `pod/meeting/models.py`, `pod/live/models.py` and `pod/authentication/models.py` of 3.6.1, 3.7.0, 3.8.4, 4.0.3 and
4.1.0. A dump by Django's `dumpdata` is the same whichever database it comes from.
"""
