"""API tokens: everybody's own, and all of them for those who may see all. A new one is shown once."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern

from syncjobs.clock import db_now
from syncjobs.models import ApiToken
from syncjobs.operations.tokens import NewToken, create_token, revoke_token, state_of
from syncjobs.portal.forms.token_forms import TokenForm
from syncjobs.portal.pages import FORM, PortalAdmin, signed_in_user, tell
from syncjobs.portal.paging import LARGEST_ID, page_by_id

TOKENS_A_PAGE = 50
PILLS = {"active": "ok", "expired": "warn", "revoked": "quiet"}


class TokenAdmin(PortalAdmin):
    """Whoever is signed in may have tokens, which do no more than their owner may."""

    address = "tokens"

    def pages(self) -> list[URLPattern]:
        return [
            self.page("", self.token_list, "token_list"),
            self.page("add/", self.token_add, "token_add", methods=FORM),
            self.page("<int:token_id>/revoke/", self.token_revoke, "token_revoke", methods=FORM),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """For all staff; `_visible` limits the rows."""
        return bool(request.user.is_active and request.user.is_staff)

    def token_list(self, request: HttpRequest) -> HttpResponse:
        page = page_by_id(request, _visible(request), TOKENS_A_PAGE, newest_first=True)
        now = db_now()
        rows = [{"token": token, "state": state_of(token, now)} for token in page.rows]
        for row in rows:
            row["pill"] = PILLS[str(row["state"])]
        context = {"title": "API tokens", "page": page, "rows": rows, "sees_all": _sees_all(request)}
        return self.draw(request, "portal/token_list.html", context)

    def token_add(self, request: HttpRequest) -> HttpResponse:
        form = TokenForm(request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid() and (made := _make(request, form)):
            context = {"title": "A new API token", "token": made.token, "secret": made.secret}
            response = self.draw(request, "portal/token_made.html", context)
            response.headers["Cache-Control"] = "no-store"
            return response
        context = {"title": "Make an API token", "form": form}
        return self.draw(request, "portal/token_add.html", context, status=422 if form.is_bound else 200)

    def token_revoke(self, request: HttpRequest, token_id: int) -> HttpResponse:
        token = _visible(request).filter(pk=min(token_id, LARGEST_ID)).first()
        if token is None:
            raise Http404(f"There is no token {token_id}.")
        if request.method == "POST":
            revoke_token(token, actor=request.user.get_username())
            tell(request, f"The token {token} is revoked; whoever still sends it is refused.")
            return redirect("admin:token_list")
        context = {"title": f"Revoke {token.name}?", "token": token}
        return self.draw(request, "portal/token_revoke.html", context)


def _sees_all(request: HttpRequest) -> bool:
    return request.user.has_perm("syncjobs.view_apitoken")


def _visible(request: HttpRequest) -> QuerySet[ApiToken, ApiToken]:
    tokens = ApiToken.objects.select_related("owner")
    return tokens if _sees_all(request) else tokens.filter(owner=signed_in_user(request))


def _make(request: HttpRequest, form: TokenForm) -> NewToken | None:
    user, typed = signed_in_user(request), form.cleaned_data
    try:
        return create_token(
            user, name=typed["name"], scopes=typed["scopes"], expires_at=form.expires_at, actor=user.get_username()
        )
    except ValidationError as error:
        form.show(error)
    return None
