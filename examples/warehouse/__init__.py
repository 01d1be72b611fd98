"""A second service, which hears from the shop over NATS: it reserves what was ordered.

Read `receivers`, then `relay`, then `storage`; `python -m examples.warehouse` runs it.
"""
