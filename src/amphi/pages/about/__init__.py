"""Public pages about the service, made from the settings: accessibility, personal data, legal notice."""
