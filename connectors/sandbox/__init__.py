"""The sandbox: a local server speaking SODA 2 over real airports and generated crashes. It imports none of our code."""
