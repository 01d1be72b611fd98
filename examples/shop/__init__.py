"""A small shop in which signals do the work: FastAPI, Tortoise ORM, and a SQLite file.

Read `models`, then `signals`, then `receivers`; the rest is an ordinary application that knows
nothing of its audit log and its outbox.
"""
