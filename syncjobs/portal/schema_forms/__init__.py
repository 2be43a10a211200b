"""Forms drawn from a JSON Schema: a JSON value as texts in named fields, and back without losing any of it."""
