"""`make fuzz`: asks the real web server everything that the OpenAPI document allows, and much that it does not."""
