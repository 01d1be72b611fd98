"""Users register, log in and log out."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Request, status
from pydantic import BaseModel

from examples.shop.passwords import hash_password, is_password
from examples.shop.storage import Session, User, add, change, find, remove
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
    session = await find(Session, token=authorization.removeprefix("Bearer "))
    if session is None:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "log in first")
    return session


CurrentSession = Annotated[Session, Depends(current_session)]


@router.post("/users", status_code=status.HTTP_201_CREATED)
async def register(new: Registration) -> dict[str, int]:
    if await find(User, email=new.email):
        raise HTTPException(status.HTTP_409_CONFLICT, "this address is registered")
    password_hash = await hash_password(new.password)
    user = await add(User(email=new.email, name=new.name, password_hash=password_hash))
    return {"id": user.id}


@router.post("/login")
async def log_in(credentials: Credentials, request: Request) -> dict[str, str]:
    user = await find(User, email=credentials.email)
    if user is None or not await is_password(credentials.password, user.password_hash):
        await user_login_failed.send_robust(
            sender=User, credentials=credentials.model_dump(), request=request
        )
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "wrong address or password")
    session = await add(Session(user=user, token=secrets.token_urlsafe()))
    await change(user, last_login=datetime.now(UTC))
    await user_logged_in.send_robust(sender=User, request=request, user=user)
    return {"token": session.token}


@router.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
async def log_out(session: CurrentSession, request: Request) -> None:
    await remove(session)
    await user_logged_out.send_robust(sender=User, request=request, user=session.user)
