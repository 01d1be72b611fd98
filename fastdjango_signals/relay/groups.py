"""One consumer group of a Redis stream, as one replica of a service reads it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from fastdjango_signals.cancellation import cancelled_and_awaited
from fastdjango_signals.extras import needs
from fastdjango_signals.relay.transports import Subscription

with needs("redis", extra="relay-redis"):
    from redis import exceptions as errors

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger("fastdjango_signals")

