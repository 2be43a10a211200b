"""What protects Syncdeck, how each protection is taken away, and the tests that must fail then.

`python -m tests.security` (`make protections`) takes them away one by one, in a copy, and runs those tests.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Protection:
    """`here` stands once in `file`; with `instead` in its place the protection is off, and one of `tests` must fail."""

    threat: str
    name: str
    file: str
    here: str
    instead: str
    tests: tuple[str, ...]


def off(threat: str, name: str, file: str, here: str, instead: str, *tests: str) -> Protection:
    """A protection with its tests, which are named below tests/."""
    return Protection(threat, name, file, here, instead, tests)


PROTECTIONS = (
    # 1. Credentials
    off(
        "A dump of the database is read",
        "credentials are encrypted",
        "connectors/secrets.py",
        "return encrypt(json.dumps(self._plain), scope)",
        'return f"{FORMAT}.{json.dumps(self._plain)}"',
        "connectors/test_secrets.py::test_database_holds_no_plain_text",
    ),
    off(
        "A ciphertext is copied to another row",
        "it is bound to its row",
        "connectors/secrets.py",
        "sealed[NONCE_BYTES:], scope.encode()).decode()",
        'sealed[NONCE_BYTES:], b"").decode()',
        "connectors/test_secrets.py",
    ),
    off(
        "A key is to be retired",
        "every listed key decrypts",
        "connectors/secrets.py",
        "for key in settings.SYNCDECK_SECRET_KEYS)",
        "for key in settings.SYNCDECK_SECRET_KEYS[:1])",
        "connectors/test_secrets.py::test_every_listed_key_reads_and_the_first_one_writes",
    ),
    off(
        "A secret stands in a log line",
        "log lines are redacted",
        "config/logs.py",
        'return redact(str(value)).encode("utf-8", "backslashreplace")',
        'return str(value).encode("utf-8", "backslashreplace")',
        "platform/test_logs.py::test_no_secret_reaches_a_line_in_message_field_or_traceback",
    ),
    off(
        "A driver's error repeats its URL",
        "user and password of URLs are taken out",
        "connectors/redaction.py",
        'return URL_USERINFO.sub(rf"\\g<scheme>{MASK}@", text)',
        "return text",
        "connectors/test_redaction.py::test_user_and_password_of_urls_are_replaced",
    ),
    off(
        "A secret is shown by an object's text",
        "credentials have no text",
        "connectors/secrets.py",
        'return "<credentials: set>" if self else "<credentials: not set>"',
        "return repr(self.reveal())",
        "connectors/test_secrets.py",
    ),
    # 2. Where connectors reach
    off(
        "A URL leads into the own network",
        "only public or allowed addresses are connected to",
        "connectors/network.py",
        "return any(allowance.covers(_normal(host), port, address) for allowance in _allowances)",
        "return True",
        "connectors/test_network.py::test_addresses_that_are_not_public_are_refused",
    ),
    off(
        "A cloud's metadata is asked for credentials",
        "metadata addresses are never allowed",
        "connectors/network.py",
        "return address in METADATA or address.is_link_local",
        "return address.is_link_local",
        "connectors/test_network.py::test_metadata_and_link_local_addresses_are_refused_whatever_is_allowed",
    ),
    off(
        "A name answers differently the second time",
        "the checked address is the one connected to",
        "connectors/http_sockets.py",
        "wire.connect((address, port))",
        "wire.connect((self.resolver(host, port, type=socket.SOCK_STREAM)[0][4][0], port))",
        "connectors/test_http.py::test_rebinding_name_is_never_connected_to_its_second_address",
    ),
    off(
        "A public page redirects elsewhere",
        "redirects stay on their host",
        "connectors/http_redirects.py",
        'if there.hostname != here.hostname or (here.scheme == "https" and there.scheme == "http"):',
        "if False:",
        "connectors/test_http.py::test_redirects_elsewhere_are_refused",
    ),
    off(
        "A token goes along to another port",
        "secrets go to the same origin only",
        "connectors/http_redirects.py",
        "return (here.scheme, here.hostname, port_of(here)) == (there.scheme, there.hostname, port_of(there))",
        "return here.hostname == there.hostname",
        "connectors/test_http.py::test_redirect_to_another_port_loses_the_token",
    ),
    off(
        "A path leads out of the folders",
        "real paths lie below a root",
        "connectors/paths.py",
        "if not any(real.is_relative_to(root) for root in roots):",
        "if False:",
        "connectors/test_paths.py",
    ),
    off(
        "A connector writes Syncdeck's own database",
        "own files are out of reach",
        "connectors/paths.py",
        "if real in _reserved:",
        "if False:",
        "connectors/test_paths.py::test_own_database_is_out_of_reach",
    ),
    # 3. Code and SQL
    off(
        "A name of a table or column is SQL",
        "names are quoted",
        "connectors/sql_text.py",
        """return SQLText('"' + name.replace('"', '""') + '"')""",
        """return SQLText('"' + name + '"')""",
        "connectors/test_conformance_sqlite.py",
    ),
    off(
        "A custom query writes (PostgreSQL)",
        "its transaction only reads",
        "connectors/postgres_queries.py",
        "REPEATABLE READ READ ONLY",
        "REPEATABLE READ",
        "connectors/test_query_fences.py::test_nothing_changes_whatever_a_query_says",
    ),
    off(
        "A custom query asks for more than rows (SQLite)",
        "only reading is authorised",
        "connectors/sqlite_queries.py",
        "return sqlite3.SQLITE_DENY",
        "return sqlite3.SQLITE_OK",
        "connectors/test_query_fences.py::test_sqlite_runs_nothing_that_is_not_reading_even_if_no_text_is_checked",
    ),
    off(
        "A query never ends",
        "its time is limited",
        "connectors/postgres_queries.py",
        'session.fetch(LIMIT, (f"{self._seconds}s",))',
        "pass",
        "connectors/test_query_fences.py::test_a_query_that_takes_too_long_is_stopped_and_not_tried_again",
    ),
    off(
        "Anybody who edits types writes SQL",
        "queries need a right of their own",
        "syncjobs/operations/query_rights.py",
        "return user is None or user.has_perm(SQL_EDIT)",
        "return True",
        "portal/test_query_rights.py",
    ),
    off(
        "A message brings a pickled object",
        "workers take JSON only",
        "config/settings.py",
        'CELERY_ACCEPT_CONTENT = ["json"]',
        'CELERY_ACCEPT_CONTENT = ["json", "pickle"]',
        "platform/test_celery_settings.py::test_pickled_message_is_refused_unread",
    ),
    off(
        "An imported file is more than data",
        "no tags in YAML",
        "syncjobs/management/config_files.py",
        'if getattr(event, "tag", None):',
        "if False:",
        "commands/test_config_files.py::test_yaml_that_is_more_than_plain_data_is_refused",
    ),
    off(
        "Dangerous code is written",
        "bandit looks for it",
        "pyproject.toml",
        'skips = ["B104",',
        'skips = ["B307", "B301", "B501", "B104",',
        "platform/test_dangerous_code.py",
    ),
    # 4. Who may do what
    off(
        "A token is stolen from a dump",
        "only its digest is kept",
        "syncjobs/operations/tokens.py",
        "return hashlib.sha256(secret.encode()).hexdigest()",
        "return secret",
        "api/test_tokens.py",
    ),
    off(
        "A revoked token is used",
        "it ends at once",
        "syncjobs/operations/tokens.py",
        "ApiToken.objects.filter(is_alive, revoked_at=None, owner__is_active=True)",
        "ApiToken.objects.filter(is_alive, owner__is_active=True)",
        "api/test_access.py",
        "api/test_tokens.py",
    ),
    off(
        "An old token is used",
        "it expires",
        "syncjobs/operations/tokens.py",
        "is_alive = Q(expires_at=None) | Q(expires_at__gt=now)",
        "is_alive = Q()",
        "api/test_access.py",
        "api/test_tokens.py",
    ),
    off(
        "A token does more than it is for",
        "scopes limit it",
        "syncjobs/api/permissions.py",
        "if scope not in token.scopes:",
        "if False:",
        "api/test_access.py",
    ),
    off(
        "A program does what its person may not",
        "rights of the person limit it, too",
        "syncjobs/api/permissions.py",
        "if needs.any_of and not any(request.user.has_perm(permission) for permission in needs.any_of):",
        "if False:",
        "api/test_access.py",
    ),
    off(
        "Passwords are tried out",
        "the login locks itself",
        "syncjobs/portal/login_guard.py",
        "if any(count_request(who, WINDOW_SECONDS, now) > most for who, most in tries.items()):",
        "if False:",
        "portal/test_login_guard.py",
    ),
    off(
        "A visitor makes up an address",
        "only proxies that are known are believed",
        "config/client_address.py",
        "if 0 < settings.SYNCDECK_PROXIES <= len(addresses):",
        "if addresses[-1]:",
        "portal/test_login_guard.py::test_forged_address_gains_nothing",
    ),
    off(
        "A program asks without end",
        "requests are limited",
        "syncjobs/api/throttling.py",
        "WINDOW_SECONDS, self.now) <= limit",
        "WINDOW_SECONDS, self.now) >= 0",
        "api/test_throttling.py",
    ),
    # 5. What comes in
    off(
        "JSON is nested without end",
        "depth is limited before it is parsed",
        "syncjobs/api/strict_json.py",
        "if depth > DEEPEST:",
        "if False:",
        "api/test_bodies.py",
    ),
    off(
        "A number is beyond every column",
        "numbers are of 64 bits",
        "syncjobs/api/strict_json.py",
        "if len(text) > LONGEST_NUMBER or not -LARGEST_NUMBER - 1 <= int(text) <= LARGEST_NUMBER:",
        "if False:",
        "api/test_bodies.py",
    ),
    off(
        "A text holds NUL",
        "it is refused",
        "syncjobs/api/strict_json.py",
        'if "\\0" in value:',
        "if False:",
        "api/test_bodies.py",
    ),
    off(
        "A name occurs twice in JSON",
        "it is refused",
        "syncjobs/api/strict_json.py",
        "if len(found) < len(pairs):",
        "if False:",
        "api/test_bodies.py",
    ),
    off(
        "A webhook's body is changed on its way",
        "it is signed",
        "syncjobs/webhook_signatures.py",
        "return any(matches)",
        "return True",
        "api/test_webhooks.py",
        "triggers",
    ),
    off(
        "A webhook's request is sent again later",
        "it is good for 300 s",
        "syncjobs/webhook_signatures.py",
        "return bool(WHOLE_SECONDS.fullmatch(timestamp)) and abs(int(now) - int(timestamp)) <= TOLERANCE_SECONDS",
        "return True",
        "api/test_webhooks.py",
        "triggers",
    ),
    # 6. What goes out
    off(
        "A spreadsheet runs what a stranger wrote",
        "no cell begins as a formula",
        "syncjobs/portal/csv_downloads.py",
        """return text if is_harmless else f"'{text}\"""",
        "return text",
        "portal/test_csv_downloads.py::test_cell_never_begins_as_a_formula",
    ),
    off(
        "A record's text is markup",
        "pages escape it",
        "templates/portal/_log_lines.html",
        "{{ line.message }}",
        "{{ line.message|safe }}",
        "portal/test_jobs.py::test_the_log_is_searched_followed_and_downloaded_within_its_filter",
    ),
    off(
        "A page runs a foreign script",
        "the policy allows our own files only",
        "config/middleware.py",
        "\"script-src 'self'\",",
        "\"script-src 'self' 'unsafe-inline'\",",
        "platform/test_security_settings.py::test_every_answer_forbids_foreign_and_inline_content",
    ),
    off(
        "Another site shows our pages in a frame",
        "no page may be framed",
        "config/settings.py",
        'X_FRAME_OPTIONS = "DENY"',
        'X_FRAME_OPTIONS = "SAMEORIGIN"',
        "platform/test_security_settings.py::test_every_answer_forbids_foreign_and_inline_content",
    ),
    off(
        "A cookie travels over plain HTTP",
        "a public name means HTTPS",
        "config/settings.py",
        "SESSION_COOKIE_SECURE = IS_PUBLIC and not DEBUG",
        "SESSION_COOKIE_SECURE = False",
        "platform/test_security_settings.py",
    ),
    off(
        "Somebody hides what they did",
        "the database refuses to change the audit",
        "syncjobs/models/append_only.py",
        'for statement in SQLITE.values() if connection.vendor == "sqlite" else [POSTGRESQL]:',
        "for statement in ():",
        "operations/test_auditing.py",
    ),
)
