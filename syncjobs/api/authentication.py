"""Who asks: a token in the Authorization header, or the session of somebody who is signed in at the portal."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import User
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from syncjobs.asking import name_asker
from syncjobs.models import ApiToken
from syncjobs.operations.tokens import find_valid_token

CREDENTIALS = re.compile(r"(?:token|bearer) +([A-Za-z0-9_-]{20,100})", re.IGNORECASE | re.ASCII)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token <token>`, or Bearer. Whatever else stands there is refused, all in the same words."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        given = CREDENTIALS.fullmatch(header.strip()) if len(header) <= 200 else None
        token = find_valid_token(given[1]) if given else None
        if token is None:
            raise AuthenticationFailed
        name_asker(token.owner.get_username(), token=token.prefix)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return 'Token realm="syncdeck"'


class TokenScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document tells of tokens."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A token of the portal's page Tokens."}


class SessionScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document tells of sessions."""

    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "Changes need X-CSRFToken, too."}
