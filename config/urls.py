"""The map of addresses. `/livez` is answered by config.middleware before it gets here."""

from django.urls import path
from django.views.generic import RedirectView

from syncjobs.portal.sites import portal_site

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", portal_site.urls),
]
