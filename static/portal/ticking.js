// The boxes before the rows of a list: one that ticks them all, and how many are ticked. Listens at the document, since
// the rows are drawn again while the list follows its jobs.
"use strict";
{
  const boxes = () => [...document.querySelectorAll("input[name=_selected_action]")];

  function tell() {
    const ticked = boxes().filter((box) => box.checked).length;
    const told = document.getElementById("ticked");
    const all = document.getElementById("tick-all");
    if (told) told.textContent = ticked ? `${ticked} of ${boxes().length} ticked` : "";
    if (all) all.checked = ticked > 0 && ticked === boxes().length;
  }

  function tickAll(checked) {
    for (const box of boxes()) box.checked = checked;
  }

  // A hand may have been quicker than this script, and a browser that goes back restores what was ticked.
  if (document.getElementById("tick-all")?.checked) tickAll(true);
  tell();

  document.addEventListener("change", (event) => {
    if (event.target.id === "tick-all") tickAll(event.target.checked);
    if (event.target.id === "tick-all" || event.target.name === "_selected_action") tell();
  });
  document.addEventListener("htmx:afterSettle", tell);
  window.addEventListener("pageshow", tell);
}
