"""Controllers of this app."""
