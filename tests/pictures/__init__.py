"""A made-up company whose syncs fill every page of the portal, the walk over all pages, and photographs of them."""
