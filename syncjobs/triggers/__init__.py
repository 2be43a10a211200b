"""What starts jobs without a person: the clock so far. Each asks the operations; none touches a job's status."""
