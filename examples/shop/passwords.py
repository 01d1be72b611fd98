"""Keep passwords as salted scrypt hashes, with nothing but the standard library."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets


async def hash_password(password: str) -> str:
    """Return a hash to store, with its salt."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${(await _scrypt(password, salt)).hex()}"


async def is_password(password: str, stored: str) -> bool:
    """Return whether this is the password behind a stored hash."""
    salt, _, digest = stored.partition("$")
    found = await _scrypt(password, bytes.fromhex(salt))
    return hmac.compare_digest(found, bytes.fromhex(digest))


async def _scrypt(password: str, salt: bytes) -> bytes:
    # Slow on purpose, so in a thread: other requests go on meanwhile.
    return await asyncio.to_thread(hashlib.scrypt, password.encode(), salt=salt, n=2**14, r=8, p=1)
