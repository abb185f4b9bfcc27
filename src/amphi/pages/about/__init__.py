"""What an institution tells everybody about this service: accessibility, personal data, legal notice. Made from the settings."""
