"""An app of two models and the controller between them, for measuring document jobs; not part of Syncdeck."""
