// A connection test whose steps show while it goes on: the answer comes line by line. Where it breaks off the page is
// loaded anew; without this file the form posts and the page comes back with the result.
"use strict";
{
  async function* lines(answer) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const parts = (rest + value).split("\n");
      rest = parts.pop();
      for (const part of parts) yield JSON.parse(part);
    }
  }

  async function watch(form) {
    const region = document.getElementById(form.dataset.liveTest);
    const headers = { "X-Live-Steps": "yes" };
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers });
    if (!answer.ok || answer.redirected) throw new Error("no steps");
    let isOver = false;
    for await (const line of lines(answer)) {
      if (line.what === "step") document.getElementById("live-steps").insertAdjacentHTML("beforeend", line.html);
      else if (line.what === "health") document.getElementById("connector-health").innerHTML = line.html;
      else region.innerHTML = line.html;
      isOver = line.what === "end";
    }
    if (!isOver) throw new Error("broken off");
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.liveTest) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      await watch(form);
    } catch {
      window.location.reload();
    }
    button.disabled = false;
  });
}
