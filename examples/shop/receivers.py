"""Everything that happens because something else did.

`app` imports this module, and that connects its receivers. They name the fields that they use
and leave the rest to `**kwargs`, or they take the payload whole; what they return is what `send`
returns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from fastapi import Request

from examples.shop.signals import OrderPlaced, order_placed
from examples.shop.storage import (
    AuditEntry,
    FailedLogin,
    Order,
    OutboxMessage,
    Product,
    Record,
    Session,
    Through,
    User,
    add,
)
from fastdjango_signals import (
    M2MChanged,
    PostSave,
    RequestFinished,
    m2m_changed,
    post_delete,
    post_save,
    request_finished,
    request_started,
    user_logged_in,
    user_logged_out,
    user_login_failed,
)

# --- the audit log: in the same transaction as the change that it tells of -----


@post_save.connect(sender=User)
@post_save.connect(sender=Product)
@post_save.connect(sender=Order)
async def audit_save(sender: type[Record], payload: PostSave[Record]) -> AuditEntry:
    """Write down that something was created or updated, and which fields were."""
    return await add(
        AuditEntry(
            action="created" if payload.created else "updated",
            model=sender.__name__,
            object_id=payload.instance.id,
            details=", ".join(payload.update_fields or ()),
        )
    )


@post_delete.connect(sender=Product)
@post_delete.connect(sender=Session)
async def audit_delete(sender: type[Record], instance: Record, **kwargs: object) -> AuditEntry:
    """Write down that something was deleted."""
    return await add(AuditEntry(action="deleted", model=sender.__name__, object_id=instance.id))


@m2m_changed.connect(sender=Through(Product, "tags"))
async def audit_tags(sender: Through, payload: M2MChanged[Record]) -> AuditEntry | None:
    """Write down which tags a product got or lost."""
    if payload.pk_set and payload.action in ("post_add", "post_remove"):
        return await add(
            AuditEntry(
                action="tagged" if payload.action == "post_add" else "untagged",
                model=sender.model.__name__,
                object_id=payload.instance.id,
                details=f"{payload.model.__name__} {sorted(payload.pk_set)}",
            )
        )
    return None


# --- the confirmation: only once the order is committed ------------------------


@order_placed.connect(sender=Order, on_commit=True)
async def confirm_order(sender: type[Order], payload: OrderPlaced) -> OutboxMessage:
    """Leave a confirmation in the outbox; an order that is rolled back never gets one."""
    return await add(
        OutboxMessage(
            recipient=payload.email,
            subject=f"Order {payload.order_id}: {payload.quantity} x {payload.product}",
        )
    )


# --- users ---------------------------------------------------------------------


@user_logged_in.connect
async def audit_login(sender: type[User], user: User, **kwargs: object) -> AuditEntry:
    """Write down that a user came."""
    return await add(AuditEntry(action="logged in", model=sender.__name__, object_id=user.id))


@user_logged_out.connect
async def audit_logout(sender: type[User], user: User, **kwargs: object) -> AuditEntry:
    """Write down that a user left."""
    return await add(AuditEntry(action="logged out", model=sender.__name__, object_id=user.id))


@user_login_failed.connect
async def note_failed_login(
    sender: type[User], credentials: Mapping[str, Any], request: Request, **kwargs: object
) -> FailedLogin:
    """Write down who tried; the password arrives masked."""
    address = request.client.host if request.client else "unknown"
    return await add(FailedLogin(address=address, credentials=dict(credentials)))


# --- request timing ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one request took, in milliseconds."""

    method: str
    path: str
    status: int | None
    milliseconds: float


timings: deque[Timing] = deque(maxlen=1000)
"""The latest requests, oldest first."""


@request_started.connect
async def start_clock(sender: object, scope: MutableMapping[str, Any], **kwargs: object) -> None:
    """Note in the request's scope when it began."""
    scope["shop.started"] = perf_counter()


@request_finished.connect
async def stop_clock(sender: object, payload: RequestFinished) -> None:
    """Keep how long the request took, however it ended."""
    scope = payload.scope
    milliseconds = (perf_counter() - scope["shop.started"]) * 1000
    timings.append(Timing(scope["method"], scope["path"], payload.status, milliseconds))
