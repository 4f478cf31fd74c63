"""What opens a room: a code that is read aloud, and keys that are not."""

from __future__ import annotations

import hashlib
import hmac
import secrets

ALPHABET = "BCDFGHJKMNPRSTVWXYZ"
"""Capitals that are not taken for another letter or digit; without vowels no code is a word."""
LENGTH = 6


def new_code() -> str:
    """A code of six letters, one of 47 million."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def read_code(text: object) -> str | None:
    """A code as it was typed, in any case and with spaces or hyphens between; None if it cannot be one."""
    if not isinstance(text, str) or len(text) > 4 * LENGTH:
        return None
    code = "".join(text.upper().replace("-", " ").split())
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None


def new_key() -> str:
    """A secret that nobody can guess: 128 bits."""
    return secrets.token_urlsafe(16)


def new_id() -> str:
    """A name for a student that tells nothing about them."""
    return secrets.token_hex(5)


def sealed(key: str) -> str:
    """What is kept of a key: enough to recognise it, not to use it."""
    return hashlib.sha256(key.encode()).hexdigest()


def opens(key: str, seal: str) -> bool:
    """Whether a key is the one that was sealed; takes as long for a wrong one."""
    return hmac.compare_digest(sealed(key), seal)
