"""What all pages share: addresses with permissions, the frame round a template, live regions, refusals as messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from syncjobs.portal.live import Region, answer_region, draw_region, is_asked_for

if TYPE_CHECKING:
    StockAdmin = admin.ModelAdmin[Any]
else:
    StockAdmin = admin.ModelAdmin  # Django's admin classes cannot be subscripted when running

Needs = Literal["view", "add", "change", "delete", "approve", "grant"]
View = Callable[..., HttpResponseBase]
READING = ("GET", "HEAD")
POSTING = ("POST",)
FORM = ("GET", "HEAD", "POST")


class PortalAdmin(StockAdmin):
    """An admin class whose pages are ours: the admin's registration and permissions, at an address of its own."""

    address: ClassVar[str]
    """Where its pages lie below /admin/, without slashes."""

    def pages(self) -> list[URLPattern]:
        """Its addresses, made with `page`."""
        raise NotImplementedError

    def neighbours(self) -> dict[str, list[URLPattern]]:
        """{address: pages} at addresses of their own that go by the permissions on this model."""
        return {}

    def get_urls(self) -> list[Any]:
        return self.pages()

    def page(
        self, route: str, view: View, name: str, *, needs: Needs = "view", methods: Sequence[str] = READING
    ) -> URLPattern:
        """One address: signed-in staff with that permission on this model, by these methods only."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not getattr(self, f"has_{needs}_permission")(request):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        answering = require_http_methods(list(methods))(guarded)
        return path(route, self.admin_site.admin_view(answering), name=name)

    def draw(
        self,
        request: HttpRequest,
        template: str,
        context: dict[str, Any],
        *,
        regions: Sequence[Region] = (),
        status: int = 200,
    ) -> HttpResponse:
        """The page, or only the region of it that htmx asks for; both from the one context."""
        return draw_page(self.admin_site, request, template, context, regions=regions, status=status)


def draw_page(
    site: admin.AdminSite,
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    regions: Sequence[Region] = (),
    status: int = 200,
) -> HttpResponse:
    """The page in the portal's frame; its template shows each region as `{{ regions.<name> }}`, `-` being `_`."""
    shared = {"now": timezone.now(), "path": request.path} | context
    for region in regions:
        if is_asked_for(request, region):
            return answer_region(request, region, shared)
    drawn = {region.name.replace("-", "_"): draw_region(request, region, shared)[0] for region in regions}
    framed = {**site.each_context(request), **shared, "regions": drawn}
    response = TemplateResponse(request, template, framed, status=status)
    response.headers["Vary"] = "HX-Request"
    return response


def signed_in_user(request: HttpRequest) -> User:
    """The person behind a request to one of our pages, which are for signed-in staff only."""
    user = request.user
    assert user.is_authenticated  # noqa: S101 - told to the type checker
    return user


def local_address(request: HttpRequest, address: str) -> str:
    """The address if it leads into this portal, else nothing."""
    is_ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if is_ours else ""


def tell(request: HttpRequest, text: str) -> None:
    """What was done, shown at the top of the next page."""
    messages.success(request, text)


def warn(request: HttpRequest, text: str) -> None:
    """What was done only in part, or not at all; shown at the top of the next page."""
    messages.warning(request, text)


def refuse(request: HttpRequest, error: Exception) -> None:
    """Why something was not done, in the operation's own words, which say what is allowed."""
    text = str(error) or type(error).__name__
    messages.error(request, text[:1].upper() + text[1:] + ("" if text.endswith((".", "!")) else "."))
