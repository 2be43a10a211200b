"""API tokens of the person who asks. Only a signed-in person makes one, so that none breeds others."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.fields import StrictSerializer, StrictText
from syncjobs.api.pages import paged
from syncjobs.api.paging import PageQuery
from syncjobs.api.permissions import Needs
from syncjobs.api.views import ApiView, person, storable_id
from syncjobs.api.visible import own_tokens
from syncjobs.clock import db_now
from syncjobs.models import ApiToken
from syncjobs.operations.tokens import LONGEST_NAME, create_token, default_expiry, revoke_token, state_of
from syncjobs.scopes import SCOPES

NO_TOKEN = Needs(scope="")


class TokenSerializer(serializers.ModelSerializer):
    """A token, without what would let anybody use it."""

    scopes = serializers.ListField(child=serializers.ChoiceField(tuple(SCOPES)), read_only=True)
    state = serializers.SerializerMethodField()

    class Meta:
        model = ApiToken
        fields = (
            *("id", "name", "prefix", "scopes", "state", "created_at"),
            *("expires_at", "last_used_at", "revoked_at"),
        )
        read_only_fields = fields

    def get_state(self, token: ApiToken) -> str:
        """active, expired or revoked"""
        return state_of(token, self.context["now"])


class NewTokenSerializer(TokenSerializer):
    """A token just made."""

    token = serializers.CharField(read_only=True, help_text="Shown this once.")

    class Meta:
        model = ApiToken
        fields = (*TokenSerializer.Meta.fields, "token")
        read_only_fields = fields


class TokenBody(StrictSerializer):
    """What a new token is to be."""

    name = StrictText(max_length=LONGEST_NAME, help_text="Such as where it is used.")
    scopes = serializers.ListField(child=serializers.ChoiceField(tuple(SCOPES)), min_length=1, max_length=len(SCOPES))
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Null: never; not given: in 90 days."
    )


def describe_tokens(tokens: list[ApiToken]) -> list[dict[str, Any]]:
    return list(TokenSerializer(tokens, many=True, context={"now": db_now()}).data)


class TokenList(ApiView):
    """Somebody's own tokens."""

    needs = {"GET": NO_TOKEN, "POST": NO_TOKEN}

    @extend_schema(
        operation_id="tokens_list", parameters=[PageQuery], responses=paged(TokenSerializer), tags=["tokens"]
    )
    def get(self, request: Request) -> Response:
        """List your tokens, the newest first."""
        query = self.read_query(request, PageQuery)
        return self.answer_page(request, own_tokens(person(request)), query, describe_tokens)

    @extend_schema(
        operation_id="tokens_create", request=TokenBody, responses={201: NewTokenSerializer}, tags=["tokens"]
    )
    def post(self, request: Request) -> Response:
        """Make a token. It is shown in this answer and never again."""
        body = TokenBody(data=request.data)
        body.is_valid(raise_exception=True)
        user, given = person(request), body.validated_data
        made = create_token(
            user,
            name=given["name"],
            scopes=given["scopes"],
            expires_at=given["expires_at"] if "expires_at" in given else default_expiry(),
            actor=user.get_username(),
        )
        (told,) = describe_tokens([made.token])
        return Response(told | {"token": made.secret}, status=201, headers={"Cache-Control": "no-store"})


class TokenDetail(ApiView):
    """One of somebody's own tokens."""

    needs = {"DELETE": NO_TOKEN}

    @extend_schema(operation_id="tokens_revoke", responses={204: None}, tags=["tokens"])
    def delete(self, request: Request, token_id: int) -> Response:
        """Revoke a token, at once and for good."""
        user = person(request)
        token = own_tokens(user).filter(pk=storable_id(token_id)).first()
        if token is None:
            raise Http404(f"You have no token {token_id}.")
        revoke_token(token, actor=user.get_username())
        return Response(status=204)
