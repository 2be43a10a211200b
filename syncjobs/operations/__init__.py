"""Every verb that a person, clock or program may ask for, one module a noun. Doors call these and nothing below."""
