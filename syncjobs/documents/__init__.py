"""Documents by type and name: Django models and records of connector streams behind one small interface."""
