"""`coolrun filter`: the records of a log that match, sorted."""
