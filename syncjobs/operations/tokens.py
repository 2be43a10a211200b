"""API tokens: made, revoked, and known again. A token is shown once; afterwards there is only its digest."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from connectors.redaction import remember_secret
from syncjobs.clock import db_now
from syncjobs.models import ApiToken
from syncjobs.operations.auditing import record
from syncjobs.scopes import SCOPES

logger = logging.getLogger("syncjobs.tokens")

MARK, SECRET_BYTES, SHOWN = "sdk_", 32, 12
DEFAULT_DAYS, MOST_DAYS = 90, 3650
NOTED_EVERY = timedelta(minutes=1)
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; `secret` is what its owner sends, and can not be had again."""

    token: ApiToken
    secret: str


def create_token(
    owner: User, *, name: str, scopes: Collection[str], expires_at: datetime | None, actor: str
) -> NewToken:
    """Make a token that acts for `owner`; `expires_at` None means never. Raises ValidationError by field."""
    now = db_now()
    _check(name.strip(), scopes, expires_at, now)
    secret = MARK + secrets.token_urlsafe(SECRET_BYTES)
    remember_secret(secret)
    with transaction.atomic():
        token = ApiToken.objects.create(
            owner=owner,
            name=name.strip(),
            prefix=secret[:SHOWN],
            digest=_digest(secret),
            scopes=[scope for scope in SCOPES if scope in scopes],
            created_at=now,
            expires_at=expires_at,
        )
        about = {"owner": owner.get_username(), "prefix": token.prefix, "scopes": token.scopes}
        record("token.create", token, after={**about, "expires_at": expires_at}, actor=actor)
    logger.info("The API token %s of %s was made by %s", token, owner.get_username(), actor)
    return NewToken(token, secret)


def default_expiry() -> datetime:
    """When a token ends for which nobody said it."""
    return db_now() + timedelta(days=DEFAULT_DAYS)


def revoke_token(token: ApiToken, *, actor: str) -> ApiToken:
    """End the token at once and for good; once more changes nothing."""
    with transaction.atomic():
        is_new = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=db_now())
        token.refresh_from_db()
        if is_new:
            record("token.revoke", token, before={"revoked": False}, after={"revoked": True}, actor=actor)
    if is_new:
        logger.info("The API token %s was revoked by %s", token, actor)
    return token


def find_valid_token(secret: str) -> ApiToken | None:
    """The token with its owner, if it is neither revoked nor expired and its owner active; notes that it was used."""
    now = db_now()
    is_alive = Q(expires_at=None) | Q(expires_at__gt=now)
    alive = ApiToken.objects.filter(is_alive, revoked_at=None, owner__is_active=True)
    token = alive.select_related("owner").filter(digest=_digest(secret)).first()
    if token is not None and (token.last_used_at is None or now - token.last_used_at >= NOTED_EVERY):
        unseen = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
        ApiToken.objects.filter(unseen, pk=token.pk).update(last_used_at=now)
    return token


def state_of(token: ApiToken, now: datetime) -> str:
    """`active`, `expired` or `revoked`."""
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else "active"


def _digest(secret: str) -> str:
    """A plain SHA-256 is enough: the secret is 256 random bits, which nobody can try out."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _check(name: str, scopes: Collection[str], expires_at: datetime | None, now: datetime) -> None:
    problems: dict[str, str] = {}
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        problems["name"] = f"Give the token a name of 1 to {LONGEST_NAME} characters, such as where it is used."
    if not scopes:
        problems["scopes"] = f"Choose at least one of: {', '.join(SCOPES)}."
    elif unknown := sorted(set(scopes) - set(SCOPES)):
        problems["scopes"] = f"There is no scope {', '.join(unknown)[:100]}. Choose among: {', '.join(SCOPES)}."
    if expires_at is not None and not now < expires_at <= now + timedelta(days=MOST_DAYS):
        problems["expires_at"] = f"Choose a time to come, at most {MOST_DAYS:,} days from now."
    if problems:
        raise ValidationError(problems)
