"""The REST API: each operation parses, calls one use case, and turns one family of errors into a problem. Beside the pages, and without them."""
