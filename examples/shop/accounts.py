"""Users register, log in and log out."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Request, status
from pydantic import BaseModel

from examples.shop.models import Session, User
from examples.shop.passwords import hash_password, is_password
from fastdjango_signals import user_logged_in, user_logged_out, user_login_failed

router = APIRouter()


class Registration(BaseModel):
    email: str
    name: str
    password: str


class Credentials(BaseModel):
    email: str
    password: str


async def current_session(authorization: Annotated[str, Header()] = "") -> Session:
    """Return the session that the bearer token names."""
    session = await Session.get_or_none(token=authorization.removeprefix("Bearer "))
    if session is None:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "log in first")
    await session.fetch_related("user")
    return session


CurrentSession = Annotated[Session, Depends(current_session)]


@router.post("/users", status_code=status.HTTP_201_CREATED)
async def register(new: Registration) -> dict[str, int]:
    if await User.exists(email=new.email):
        raise HTTPException(status.HTTP_409_CONFLICT, "this address is registered")
    user = await User.create(
        email=new.email, name=new.name, password_hash=await hash_password(new.password)
    )
    return {"id": user.id}


@router.post("/login")
async def log_in(credentials: Credentials, request: Request) -> dict[str, str]:
    user = await User.get_or_none(email=credentials.email)
    if user is None or not await is_password(credentials.password, user.password_hash):
        await user_login_failed.send_robust(
            sender=User, credentials=credentials.model_dump(), request=request
        )
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "wrong address or password")
    session = await Session.create(user=user, token=secrets.token_urlsafe())
    user.last_login = datetime.now(UTC)
    await user.save(update_fields=["last_login"])
    await user_logged_in.send_robust(sender=User, request=request, user=user)
    return {"token": session.token}


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
async def log_out(session: CurrentSession, request: Request) -> None:
    await session.delete()
    await user_logged_out.send_robust(sender=User, request=request, user=session.user)
