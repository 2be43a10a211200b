"""The map of addresses. `/livez` is answered by config.middleware before it gets here."""

from django.urls import include, path
from django.views.generic import RedirectView

from syncjobs.api.hook_views import receive_webhook
from syncjobs.api.urls import familiar_patterns
from syncjobs.portal.sites import portal_site

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", portal_site.urls),
    path("api/v1/", include("syncjobs.api.urls")),
    path("sync/", include(familiar_patterns)),
    path("hooks/<str:public_id>/", receive_webhook, name="webhook"),
]
