// Regions that ask again and again: not in a tab that nobody sees, nor where the page's switch is off. The switch is
// remembered by this browser.
"use strict";
{
  const NAME = "syncdeck.refresh";
  const box = () => document.getElementById("auto-refresh");

  document.addEventListener("htmx:beforeRequest", (event) => {
    const isLive = event.target.getAttribute("hx-trigger")?.startsWith("every");
    if (isLive && (document.hidden || box()?.checked === false)) event.preventDefault();
  });
  document.addEventListener("change", (event) => {
    if (event.target === box()) localStorage.setItem(NAME, event.target.checked ? "on" : "off");
  });
  document.addEventListener("DOMContentLoaded", () => {
    if (!box()) return;
    box().checked = localStorage.getItem(NAME) !== "off";
    box().parentElement.hidden = false;
  });
}
