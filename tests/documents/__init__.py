"""Documents: how records of connector streams are found and written by a job."""
