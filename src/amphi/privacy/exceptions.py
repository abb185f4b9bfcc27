"""Errors of privacy.

PrivacyError
├── NobodyError    nothing is kept about an address
├── ErasureError   an account can't be erased now
└── MergingError   two accounts can't be merged now
"""


class PrivacyError(Exception):
    """A request could not be carried out. The text is a translated sentence for whoever asked."""


class NobodyError(PrivacyError):
    """Nothing is kept about this address or name."""


class ErasureError(PrivacyError):
    """The account can't be erased now."""


class MergingError(PrivacyError):
    """The accounts can't be merged now."""
