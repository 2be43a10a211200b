"""Chains: list, make, switch and delete them."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from syncjobs.api.etags import EDITED, ETAG, IF_MATCH, answer_row, edited_as_read
from syncjobs.api.fields import StrictBoolean, StrictSerializer, StrictText, flag
from syncjobs.api.pages import paged, serialized_by
from syncjobs.api.paging import PageQuery
from syncjobs.api.views import ApiView, person, storable_id
from syncjobs.api.visible import find_job_type, visible_job_types
from syncjobs.api.webhook_views import CHANGE, SEE, SwitchBody
from syncjobs.models import Chain
from syncjobs.operations.chains import delete_chain, save_chain, set_chain_enabled


class ChainSerializer(serializers.ModelSerializer):
    """A chain."""

    from_type = serializers.SlugRelatedField("slug", read_only=True)
    to_type = serializers.SlugRelatedField("slug", read_only=True)

    class Meta:
        model = Chain
        fields = ("id", "from_type", "to_type", "when", "enabled", "created_by", "created_at")
        read_only_fields = fields


class ChainBody(StrictSerializer):
    """What a new chain is to be."""

    from_type = StrictText(max_length=100)
    to_type = StrictText(max_length=100)
    when = serializers.ChoiceField(Chain.When.choices, required=False)
    enabled = flag()


class ChainChanges(StrictSerializer):
    """A chain's fields, each optional; what is not given is as it is."""

    from_type = StrictText(required=False, max_length=100)
    to_type = StrictText(required=False, max_length=100)
    when = serializers.ChoiceField(Chain.When.choices, required=False)
    enabled = StrictBoolean(required=False)


class ChainQuery(PageQuery):
    """Which chains."""

    from_type = serializers.SlugField(required=False, max_length=100)
    to_type = serializers.SlugField(required=False, max_length=100)


class ChainList(ApiView):
    """All chains."""

    needs = {"GET": SEE, "POST": CHANGE}

    @extend_schema(
        operation_id="chains_list", parameters=[ChainQuery], responses=paged(ChainSerializer), tags=["chains"]
    )
    def get(self, request: Request) -> Response:
        """List chains, the newest first."""
        query = self.read_query(request, ChainQuery)
        rows = _visible(request)
        for name in ("from_type", "to_type"):
            if name in query:
                rows = rows.filter(**{f"{name}__slug": query[name]})
        return self.answer_page(request, rows, query, serialized_by(ChainSerializer))

    @extend_schema(
        operation_id="chains_create",
        parameters=[ETAG],
        request=ChainBody,
        responses={201: ChainSerializer},
        tags=["chains"],
    )
    def post(self, request: Request) -> Response:
        """Make a chain. Types that would start each other in a ring are refused."""
        body, user = self.read_body(request, ChainBody), person(request)
        from_type, to_type = (find_job_type(user, body.pop(name)) for name in ("from_type", "to_type"))
        made = save_chain(from_type=from_type, to_type=to_type, actor=user.get_username(), **body)
        return _answer(made, status=201)


class ChainDetail(ApiView):
    """One chain."""

    needs = {"GET": SEE, "PATCH": CHANGE, "DELETE": CHANGE}

    @extend_schema(operation_id="chains_read", parameters=[ETAG], responses=ChainSerializer, tags=["chains"])
    def get(self, request: Request, chain_id: int) -> Response:
        """Read a chain."""
        self.read_query(request)
        return _answer(_find(request, chain_id))

    @extend_schema(
        operation_id="chains_change",
        parameters=EDITED,
        request=ChainChanges,
        responses=ChainSerializer,
        tags=["chains"],
    )
    def patch(self, request: Request, chain_id: int) -> Response:
        """Save what is given as the chain's next version. Types that would start each other in a ring are refused."""
        changes, user, chain = self.read_given(request, ChainChanges), person(request), _find(request, chain_id)
        given: dict[str, Any] = ChainSerializer(chain).data | changes
        from_type, to_type = (find_job_type(user, given[name]) for name in ("from_type", "to_type"))
        values = {"when": given["when"], "enabled": given["enabled"], "actor": user.get_username()}
        with edited_as_read(request, chain):
            save_chain(from_type=from_type, to_type=to_type, chain=chain, **values)
        return _answer(chain)

    @extend_schema(operation_id="chains_delete", parameters=[IF_MATCH], responses={204: None}, tags=["chains"])
    def delete(self, request: Request, chain_id: int) -> Response:
        """Delete a chain. The jobs that it started stay."""
        chain = _find(request, chain_id)
        with edited_as_read(request, chain):
            delete_chain(chain, actor=person(request).get_username())
        return Response(status=204)


class ChainSwitch(ApiView):
    """On or off."""

    needs = {"POST": CHANGE}

    @extend_schema(
        operation_id="chains_switch", parameters=[ETAG], request=SwitchBody, responses=ChainSerializer, tags=["chains"]
    )
    def post(self, request: Request, chain_id: int) -> Response:
        """Switch it on or off. Jobs that end while it is off start nothing later."""
        body = self.read_body(request, SwitchBody)
        changed = set_chain_enabled(_find(request, chain_id), actor=person(request).get_username(), **body)
        return _answer(changed)


def _answer(chain: Chain, *, status: int = 200) -> Response:
    return answer_row(chain, ChainSerializer(chain).data, status=status)


def _visible(request: Request) -> Any:
    seen = visible_job_types(person(request)).values("pk")
    return Chain.objects.select_related("from_type", "to_type").filter(from_type__in=seen, to_type__in=seen)


def _find(request: Request, chain_id: int) -> Chain:
    found: Chain | None = _visible(request).filter(pk=storable_id(chain_id)).first()
    if found is None:
        raise Http404(f"There is no chain {chain_id}.")
    return found
