"""The REST API of DESIGN §10: a door that calls the same operations as portal and commands."""
