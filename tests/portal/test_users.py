"""The stock pages of users and groups: the permissions that can be ticked are those that open something."""

from __future__ import annotations

import re

from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse


def test_a_group_is_given_permissions_by_short_names(portal: Client) -> None:
    text = portal.get(reverse("admin:auth_group_add")).content.decode()
    labels = re.findall(r'name="permissions"[^>]*>\s*([^<]+?)\s*</label>', text)
    assert {"Sync job: can change", "Schedule: can view", "Connector: can see sample rows of connectors"} <= set(labels)
    assert not [label for label in labels if re.match("Session|Crontab|Log entry|Job event|Turn", label)]
    change = Permission.objects.get(codename="change_syncjob")
    portal.post(reverse("admin:auth_group_add"), {"name": "Operators", "permissions": [change.pk]})
    assert list(Group.objects.get().permissions.all()) == [change]


def test_the_lists_are_called_by_what_they_list(portal: Client) -> None:
    for name, title in (("auth_user_changelist", "Users"), ("auth_group_changelist", "Groups")):
        assert f"<h1>{title}</h1>" in portal.get(reverse(f"admin:{name}")).content.decode()
