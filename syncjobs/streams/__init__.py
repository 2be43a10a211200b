"""The stream sync in steps: resolve, read, compare, write, remember."""
