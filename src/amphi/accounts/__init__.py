"""People, their affiliations and groups, and what they may do anywhere. No pages, and nothing about meetings."""
