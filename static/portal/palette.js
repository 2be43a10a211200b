// The search as a dialog: Ctrl-K (or the field at the top) opens it, words are looked for while they are typed, arrows go
// through what was found, Enter follows it, Escape closes. The fields and the page /admin/search/ do without this file.
"use strict";
{
  const palette = () => document.getElementById("palette");
  const links = () => [...palette().querySelectorAll(".hits a")];

  function open(text) {
    const field = palette().querySelector("input");
    palette().showModal();
    field.value = text;
    field.select();
    htmx.trigger(field, "search");
  }

  function step(by) {
    const all = links();
    const place = all.indexOf(document.activeElement) + by;
    if (place < 0) palette().querySelector("input").focus();
    else all[Math.min(place, all.length - 1)]?.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (!palette()) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (!palette().open) open("");
    } else if (palette().open && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      step(event.key === "ArrowDown" ? 1 : -1);
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target === palette()) palette().close(); // beside it
  });
  document.addEventListener("submit", (event) => {
    if (!palette()?.contains(event.target)) return;
    const first = links()[0];
    const asked = palette().querySelector(".hits")?.dataset.asked;
    if (!first || asked !== palette().querySelector("input").value.trim()) return; // not found yet: the page shows it
    event.preventDefault();
    first.click();
  });
}
