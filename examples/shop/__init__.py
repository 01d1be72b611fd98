"""A small shop in which signals do the work: FastAPI, an ORM, and a SQLite file.

Read the models in `storage`, then `signals`, then `receivers`; the rest is an ordinary application
that knows nothing of its audit log and its outbox.
"""
