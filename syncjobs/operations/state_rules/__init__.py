"""The rules that `sync verify-state` proves, one module a kind. Each is one statement, so it judges one moment."""
