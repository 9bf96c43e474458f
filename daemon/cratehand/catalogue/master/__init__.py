"""The Postgres master: the embedded server, its schema, and keeping device and master in step."""
