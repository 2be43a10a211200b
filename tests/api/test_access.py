"""Who may ask: tokens in every wrong form, sessions with CSRF, scopes and permissions; and the shape of every no."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from syncjobs.models import ApiToken, SyncJob, SyncJobType
from syncjobs.operations.tokens import create_token, revoke_token
from tests.api.conftest import Api, MakeApi, error_of, secret_of

JOBS = "/api/v1/jobs/"


def ask(header: str) -> tuple[int, str, str]:
    response = Client().get(JOBS, headers={"Authorization": header})
    return response.status_code, response.headers.get("WWW-Authenticate", ""), error_of(response)["message"]


@pytest.mark.parametrize("scheme", ["Token", "Bearer", "token", "BEARER"])
def test_token_opens_the_api_by_either_scheme(scheme: str, admin: User) -> None:
    assert Api(secret_of(admin), scheme).get("jobs/").status_code == 200


def test_every_wrong_header_gets_the_same_words(admin: User) -> None:
    secret = secret_of(admin)
    headers = [
        *(
            "",
            "Token",
            f"Token  {secret[:-1]}",
            f"Basic {secret}",
            f"Digest {secret}",
            secret,
            f"Token {secret} {secret}",
        ),
        *(
            f"Token {secret},Token {secret}",
            f"Token {'x' * 10_000}",
            "Token ünïcode-ünïcode-ünïcode",
            f"Token {secret}\x00",
        ),
        *("Token ' OR 1=1 --", f"Token sdk_{'A' * 43}"),
    ]
    answers = {ask(header) for header in headers}
    assert answers == {(401, 'Token realm="syncdeck"', "Send a valid token: Authorization: Token <token>, or sign in.")}


def test_nobody_gets_a_401_that_says_how(db: None) -> None:
    response = Client().get(JOBS)
    assert (response.status_code, error_of(response)["code"]) == (401, "unauthenticated")
    assert response["WWW-Authenticate"]


def test_revoked_expired_and_ownerless_tokens_are_401_at_once(admin: User) -> None:
    revoked, expired, inactive = (
        create_token(admin, name=n, scopes=["runs:read"], expires_at=None, actor="t") for n in "abc"
    )
    revoke_token(revoked.token, actor="t")
    ApiToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Api(inactive.secret).get("jobs/").status_code == 200
    User.objects.filter(pk=admin.pk).update(is_active=False)
    assert [Api(made.secret).get("jobs/").status_code for made in (revoked, expired, inactive)] == [401, 401, 401]


def test_only_a_digest_of_a_token_is_stored(admin: User) -> None:
    secret = secret_of(admin)
    (row,) = ApiToken.objects.values()
    assert secret not in repr(row)
    assert ask(f"Token {row['digest']}")[0] == 401


def test_last_use_is_noted_once_a_minute(api: Api) -> None:
    def used() -> object:
        return ApiToken.objects.get().last_used_at

    api.get("jobs/")
    first = used()
    api.get("jobs/")
    assert first is not None
    assert used() == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    api.get("jobs/")
    assert used() > first  # type: ignore[operator]


def test_token_lacking_the_scope_is_403_and_names_it(make_api: MakeApi, queued: SyncJob) -> None:
    reader = make_api("view_syncjob", "change_syncjob", scopes=("runs:read",))
    assert reader.get("jobs/").status_code == 200
    response = reader.post(f"jobs/{queued.pk}/cancel/")
    assert (response.status_code, "runs:write" in error_of(response)["message"]) == (403, True)
    assert reader.get("connectors/").status_code == 403
    assert SyncJob.objects.get().status == "queued"


def test_scope_gives_no_more_than_its_owner_may(make_api: MakeApi, queued: SyncJob) -> None:
    viewer = make_api("view_syncjob")
    assert viewer.get(f"jobs/{queued.pk}/").status_code == 200
    refused = viewer.post(f"jobs/{queued.pk}/cancel/")
    assert (refused.status_code, "change_syncjob" in error_of(refused)["message"]) == (403, True)
    assert make_api().get("jobs/").status_code == 403
    assert make_api("view_syncjob", "change_syncjob").post(f"jobs/{queued.pk}/approve/").status_code == 403


def test_session_may_read_and_needs_a_csrf_token_to_write(admin: User, queued: SyncJob) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(admin)
    assert browser.get(JOBS).status_code == 200
    response = browser.post(f"{JOBS}{queued.pk}/cancel/", {}, content_type="application/json")
    assert (response.status_code, "CSRF" in error_of(response)["message"]) == (403, True)
    assert SyncJob.objects.get().status == "queued"
    browser.get("/admin/")
    csrf = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    assert (
        browser.post(f"{JOBS}{queued.pk}/cancel/", {}, content_type="application/json", headers=csrf).status_code == 202
    )


def test_unknown_addresses_methods_and_hosts_are_json(api: Api) -> None:
    missing = api.get("nothing/here/")
    assert (missing.status_code, error_of(missing)["code"]) == (404, "not_found")
    assert "end with a slash: /api/v1/jobs/" in error_of(api.get("jobs"))["message"]
    assert error_of(api.client.get("/sync/nothing"))["code"] == "not_found"
    for method in ("put", "patch", "trace", "delete"):
        response = getattr(api.client, method)(JOBS)
        assert (response.status_code, error_of(response)["code"]) == (405, "method_not_allowed")
        assert "GET" in response["Allow"]
    evil = api.client.get(JOBS, headers={"Host": "evil.example"})
    assert (evil.status_code, error_of(evil)["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    "path", ["jobs/999999999/", "jobs/99999999999999999999999/", "job-types/nope/", "connectors/nope/"]
)
def test_what_is_not_there_is_404(path: str, api: Api) -> None:
    response = api.get(path)
    assert (response.status_code, error_of(response)["code"]) == (404, "not_found")


def test_broken_database_is_503_without_detail(api: Api) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE syncjobs_syncjob RENAME TO kestrel")
    response = api.get("jobs/")
    assert (response.status_code, error_of(response)["code"]) == (503, "database_unavailable")
    assert "syncjob" not in response.content.decode()


def test_bug_is_500_without_detail_and_logged(api: Api, queued: SyncJob, caplog: pytest.LogCaptureFixture) -> None:
    SyncJob.objects.update(counts="no counts at all")
    with caplog.at_level(logging.ERROR):
        response = api.get("jobs/")
    assert (response.status_code, error_of(response)["code"]) == (500, "internal")
    assert "no counts" not in response.content.decode()
    assert "Traceback" in caplog.text


def test_request_id_is_the_askers_if_it_is_plain(api: Api) -> None:
    for given, kept in (("build-4711-abc", True), ("x" * 65, False), ("a b<script>", False)):
        response = api.client.get(f"{JOBS}1/", headers={"X-Request-ID": given})
        assert (response["X-Request-ID"] == given) is kept
        assert error_of(response)["request_id"] == response["X-Request-ID"]


def test_every_address_is_closed_to_those_without_rights(
    make_api: MakeApi, queued: SyncJob, job_type: SyncJobType
) -> None:
    stranger = make_api(scopes=("audit:read",))
    places = ["jobs/", "jobs/summary/", "connectors/", "job-types/", "schedules/", "rejects/", "workers/", "tokens/"]
    places += [
        "records/?type=airports&key=7",
        f"jobs/{queued.pk}/",
        "job-types/airports/",
        "sync/status/",
        "sync/counts/",
    ]
    places += [f"jobs/{queued.pk}/{part}/" for part in ("changes", "rejects", "logs", "events", "attempts", "children")]
    assert {place: stranger.get(place).status_code for place in places} == dict.fromkeys(places, 403)
    verbs = [f"jobs/{queued.pk}/{verb}/" for verb in ("start", "cancel", "restart", "apply", "revert", "discard")]
    verbs += ["jobs/", "job-types/airports/run/", "job-types/airports/pause/", "sync/trigger/", "sync/test/", "tokens/"]
    assert {verb: stranger.post(verb).status_code for verb in verbs} == dict.fromkeys(verbs, 403)


def test_permission_to_see_jobs_comes_with_changing_them(make_api: MakeApi, queued: SyncJob) -> None:
    assert make_api("change_syncjob").get("jobs/").status_code == 200
