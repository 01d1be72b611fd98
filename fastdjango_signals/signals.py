"""`Signal`, which people define, connect to and send, and the `receiver` decorator."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import GenericAlias
from typing import Any, Generic, Protocol, overload

from pydantic import BaseModel, ValidationError
from typing_extensions import ParamSpec, TypeVar

