"""The example app of docs/controllers.md, written from that page alone; a test keeps page and files the same."""
