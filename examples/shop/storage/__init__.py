"""What the shop keeps, in one of two ORMs: Tortoise ORM, or SQLAlchemy with SHOP_ORM=sqlalchemy.

Both define the same models and the same few functions, so that the rest of the shop, receivers
included, cannot tell one from the other. An application of your own has one ORM, and no such
choice.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

ORM = os.environ.get("SHOP_ORM", "tortoise")

if TYPE_CHECKING or ORM == "tortoise":
    from examples.shop.storage.tortoise import *  # noqa: F403 - its __all__ says what
elif ORM == "sqlalchemy":
    from examples.shop.storage.sqlalchemy import *  # noqa: F403
else:
    raise ValueError(f"SHOP_ORM is {ORM}; it can be tortoise or sqlalchemy")
