"""Pages for courses of learning platforms: shown in a frame there, where browsers send none of our usual cookies."""
