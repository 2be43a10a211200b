// The switch beside a log: while it is off no new lines are asked for; switched on again, the newest is in sight.
"use strict";
{
  const isOn = () => document.getElementById("follow")?.checked ?? true;
  const tail = () => document.getElementById("job-log-tail");

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target === tail() && !isOn()) event.preventDefault();
  });
  document.addEventListener("htmx:configRequest", (event) => {
    if (!isOn()) delete event.detail.parameters.log_after; // the job's page brings no lines then
  });
  document.addEventListener("htmx:afterSettle", () => {
    // The job has written its last line: there is nothing to follow any more.
    if (!tail()?.hasAttribute("hx-get")) document.querySelector(".follow input")?.setAttribute("disabled", "");
  });
  document.addEventListener("change", (event) => {
    if (event.target.id !== "follow" || !isOn()) return;
    document.getElementById("log").scrollTop = 0; // it is drawn from below
    document.body.dispatchEvent(new CustomEvent("follow-again")); // what it did not ask for while it was off
  });
}
