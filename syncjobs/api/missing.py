"""Says that there is nothing at an address below /api/, also where only the slash at its end is missing."""

from __future__ import annotations

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


@extend_schema(exclude=True)
class MissingView(APIView):
    """Any method, anybody: there is nothing here."""

    authentication_classes = ()
    permission_classes = ()

    def initial(self, request: Request, *args: object, **kwargs: object) -> Response:
        hint = "" if request.path.endswith("/") else f"; addresses end with a slash: {request.path}/"
        raise Http404(f"There is nothing at {request.path}{hint}")
