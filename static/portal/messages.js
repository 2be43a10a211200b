// What was done is told in a corner, over whatever page is open, and goes after a while; warnings and refusals stay until
// they are closed. Without this file the same list stands at the top of the page.
"use strict";
{
  const SHOWN_MS = 12_000;
  const close = (line) => {
    const list = line.parentElement;
    line.remove();
    if (!list.children.length) list.remove();
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const list of document.querySelectorAll("main > .messages")) {
      list.classList.add("toasts");
      for (const line of list.children) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = "Close";
        button.addEventListener("click", () => close(line));
        line.append(button);
        if (!line.matches(".success")) continue;
        const wait = () => setTimeout(() => (line.matches(":hover, :focus-within") ? wait() : close(line)), SHOWN_MS);
        wait();
      }
    }
  });
}
