"""Controllers: the contract, the registry, and those in the box."""
