"""Which groups may see a connector and all that hangs on it. Without any grant it is open to all who see connectors."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from connectors.models import Connector, ConnectorGrant
from syncjobs.operations.auditing import record


def granted_groups(connector: Connector) -> list[str]:
    """The names of the groups, in order; none where it is open."""
    return sorted(group.name for group in connector.granted_to.all())


def set_grants(connector: Connector, groups: Sequence[str], *, actor: str = "") -> bool:
    """Grant it to exactly these groups, by name; to none opens it. Returns whether anything changed.

    Raises ValidationError for a group that there is not. Whoever may say this sees every connector themselves.
    """
    found = list(Group.objects.filter(name__in=groups))
    if unknown := sorted(set(groups) - {group.name for group in found}):
        raise ValidationError({"grants": f"There is no group '{unknown[0]}'. Make it first, or leave it out."})
    with transaction.atomic():
        Connector.objects.select_for_update().only("pk").get(pk=connector.pk)
        before = granted_groups(Connector(pk=connector.pk))
        if before == sorted(group.name for group in found):
            return False
        connector.grants.exclude(group__in=found).delete()
        rows = [ConnectorGrant(connector=connector, group=group) for group in found]
        ConnectorGrant.objects.bulk_create(rows, ignore_conflicts=True)
        getattr(connector, "_prefetched_objects_cache", {}).pop("granted_to", None)
        record("connector.grant", connector, before={"grants": before}, after={"grants": sorted(groups)}, actor=actor)
    return True
