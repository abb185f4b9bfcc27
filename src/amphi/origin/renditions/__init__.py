"""Smaller pictures of a stream, for those whose network is too slow for the publisher's; made only while somebody asks for them."""
