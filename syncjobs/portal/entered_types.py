"""A type as it stands in the browser: read from its form's fields or JSON, looked at, checked and saved."""

from __future__ import annotations

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict

from connectors.errors import SyncError
from connectors.models import EditConflict
from syncjobs.models import SyncJobType
from syncjobs.operations.entered_types import preview_entered, read_source_fields
from syncjobs.operations.job_types import save_job_type
from syncjobs.operations.query_rights import SENTENCE, check_query_right, has_queries, may_edit_sql
from syncjobs.portal.forms.config_forms import ConfigForm
from syncjobs.portal.forms.job_type_forms import JobTypeForm
from syncjobs.portal.forms.stream_parts import FIELDS
from syncjobs.portal.job_type_run_views import get_job_type
from syncjobs.portal.pages import signed_in_user
from syncjobs.portal.preview_reads import preview_rows
from syncjobs.portal.schema_forms import trees
from syncjobs.portal.schema_forms.nodes import place_problems
from syncjobs.portal.schema_forms.texts import BadJson
from syncjobs.portal.words import pretty_json
from syncjobs.stream_specs import SpecProblems

BY_FIELDS, REVIEWED = "fields", "review"


class EnteredType:
    """A type as it stands in the browser: the stored one, if there is one, and what was entered over it."""

    def __init__(self, request: HttpRequest, stored: SyncJobType | None) -> None:
        self.stored = stored
        self.user = signed_in_user(request)
        self.problems: dict[str, list[str]] = {}
        live = get_job_type(stored.slug) if stored else None
        self.config_form: ConfigForm | None = None
        if request.method != "POST":
            self.form = JobTypeForm(instance=live)
            self._show_fields(self.form.instance.controller, self.form.instance.config, self.form.instance.guards)
        else:
            self.form = self._bound(request.POST, live)
        if stored and has_queries(stored) and not may_edit_sql(self.user):
            self.form.fields["config"].help_text = f"{SENTENCE}: you see them, and may change all else."

    @property
    def job_type(self) -> SyncJobType:
        return self.form.instance

    def _bound(self, post: QueryDict, live: SyncJobType | None) -> JobTypeForm:
        data = post.copy()
        controller = str(post.get("controller", ""))
        if post.get("config_as") == BY_FIELDS:
            self._read_fields(post, data, controller)
        for name in post:
            if name.startswith(("config.", "config[", "guards.")):
                del data[name]
        return JobTypeForm(data, instance=live)

    def _read_fields(self, post: QueryDict, data: QueryDict, controller: str) -> None:
        """Fields are of the controller that they were drawn for; those of another show as much as they can."""
        drawn_for = str(post.get("config_for", controller))
        self.config_form = ConfigForm.of_post(drawn_for, post)
        if self.config_form is None:
            return
        try:
            config, guards = self.config_form.values()
        except BadJson as error:
            self.problems["config"] = [str(error)]
            return
        if drawn_for != controller:
            config = {} if config == {"streams": [{}]} else config
            self._show_fields(controller, config, guards)
        data["config"], data["guards"] = pretty_json(config), pretty_json(guards)

    def _show_fields(self, controller: str, config: Any, guards: Any) -> None:
        self.config_form = ConfigForm.of_values(controller, config, guards)

    def check(self) -> bool:
        """Whether it could be saved; else the form says why not."""
        if self.problems or not self.form.is_valid():
            return self._refused()
        try:
            check_query_right(self.job_type, self.user)
        except ValidationError as error:
            self.form.add_error(None, error)
        return not self.form.errors or self._refused()

    def save(self) -> bool:
        """Save it; False where that is refused and the form says why."""
        if self.problems or not self.form.is_valid():
            return self._refused()
        try:
            save_job_type(self.job_type, actor=self.user.get_username(), user=self.user)
        except ValidationError as error:
            self.form.add_error(None, error)
        except EditConflict as conflict:
            self.form.add_error(None, f"Not saved: {conflict}.")
        return not self.form.errors or self._refused()

    def _refused(self) -> bool:
        """After the page of what would change the fields are shown again."""
        if self.form.data.get("config_as") == REVIEWED:
            self._from_json()
        return False

    def press(self, verb: str, target: str) -> None:
        """Do what a button of the form does; one that is unknown, or about nothing, changes nothing."""
        self.form.full_clean()
        self.form.errors.clear()
        if verb in ("as-form", "controller"):
            self._from_json()
        elif verb == "as-json" and not self.problems:
            self.config_form = None
        elif self.config_form is None:
            return
        elif verb in ("fields", "preview"):
            self._look(verb, target)
        elif verb not in ("refresh", "as-json"):
            name, _, argument = target.partition(" ")
            try:
                self.config_form.press(verb, name, argument)
            except BadJson as error:
                self.problems["config"] = [str(error)]
            except (LookupError, TypeError, AttributeError):
                return

    def _from_json(self) -> None:
        """Show as fields what was entered as JSON, if it is JSON and has fields."""
        if self.config_form is not None:
            return
        entered = {}
        for name in ("config", "guards"):
            try:
                entered[name] = self.form.fields[name].clean(self.form.data.get(name, ""))
            except ValidationError as error:
                if name not in self.form.errors:
                    self.form.add_error(name, error)
                return
        self._show_fields(self._controller, entered["config"], entered["guards"])

    def _look(self, verb: str, target: str) -> None:
        """Read the source for the stream of that name, and show what it gave or why it gave nothing."""
        form = self.config_form
        path = trees.split_path("config", target)
        if form is None or self.problems or len(path) != 2 or not isinstance(path[1], int):
            return
        number, found = path[1], form.notes.setdefault(target, {})
        trouble = "no_preview" if verb == "preview" else "trouble"
        try:
            if verb == "preview":
                preview = preview_entered(self.job_type, number, user=self.user)
                found |= {"preview": preview, "preview_rows": preview_rows(preview)}
            else:
                fields = read_source_fields(self.job_type, number, user=self.user)
                trees.subtree(form.config, path)[FIELDS] = json.dumps([(one.name, one.type) for one in fields])
        except SpecProblems as error:
            self.problems["config"] = error.problems
            found[trouble] = "The configuration does not fit the source yet: see what is marked."
        except ValidationError as error:
            self.problems["config"] = error.messages
            found[trouble] = " ".join(error.messages)
        except SyncError as error:
            found[trouble] = f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}".strip()
        except LookupError:
            return

    def posted(self) -> list[tuple[str, str]]:
        """What the page of what would change sends on, as JSON where it was entered by fields."""
        kept = [name for name in self.form.fields if name in self.form.data]
        return [("config_as", REVIEWED), *((name, str(self.form.data[name])) for name in kept)]

    def drawn(self) -> dict[str, Any]:
        """What the template shows of configuration and guards, every problem at its place."""
        if self.config_form is None:
            return {"is_by_fields": False, "has_fields": ConfigForm.of_values(self._controller, {}, {}) is not None}
        config, guards = self.config_form.draw()
        errors = {name: [str(text) for text in texts] for name, texts in self.form.errors.items()}
        left = [*place_problems(config, [*self.problems.get("config", []), *errors.get("config", [])])]
        left += place_problems(guards, errors.get("guards", []))
        context: dict[str, Any] = {"is_by_fields": True, "config": config, "guards": guards, "config_problems": left}
        context |= {"has_streams": self.config_form.has_streams, "config_for": self.config_form.controller}
        try:
            context["config_json"], stored_guards = self.config_form.values()
            context["guards_json"] = json.dumps(stored_guards)
        except BadJson:
            context["config_json"] = None
        return context

    @property
    def _controller(self) -> str:
        return str(self.form["controller"].value() or "")
