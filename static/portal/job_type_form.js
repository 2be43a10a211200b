// The form of a job type: a choice on which other fields depend draws the form anew, as its button does without script.
// What is pressed or typed while an answer is on its way waits for it, since the answer brings a whole new form. Presses
// go by places, so none waits for or behind one that moves the places.
"use strict";
{
  const MOVES_PLACES = /^(up|down|remove) /;
  const typed = new Map();
  let waiting = []; // presses: the values of their buttons
  let asked = null; // {press, xhr} of the answer that is on its way

  const button = (press) => [...document.querySelectorAll("#type-form button")].find((one) => one.value === press);
  const mayWait = (...presses) => !presses.some((press) => MOVES_PLACES.test(press));
  const forget = () => { typed.clear(); waiting = []; asked = null; };

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("#type-form button");
    if (!pressed || !asked) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (mayWait(asked.press, pressed.value)) waiting.push(pressed.value);
  }, true);
  document.addEventListener("input", (event) => {
    if (asked && mayWait(asked.press) && event.target.form?.id === "type-form") typed.set(event.target.id, event.target);
  });
  document.addEventListener("change", (event) => {
    const hidden = document.getElementById(event.target.dataset?.press ?? "");
    if (hidden && event.target.form) hidden.click();
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (asked && elt.closest("#type-form")) return event.preventDefault();
    if (elt.id === "type-form") asked = { press: requestConfig.triggeringEvent?.submitter?.value ?? "", xhr };
  });
  // What a part has asked for is of no use to a form that is new or about to be.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (xhr !== asked?.xhr && (asked || !requestConfig.elt.isConnected)) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.xhr === asked?.xhr && !event.detail.successful) forget();
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!asked || event.detail.xhr !== asked.xhr) return;
    typed.forEach((old, id) => {
      const field = document.getElementById(id);
      if (field) Object.assign(field, field.type === "checkbox" ? { checked: old.checked } : { value: old.value });
    });
    const [next, ...later] = waiting;
    forget();
    button(next)?.click();
    if (asked) waiting = later;
  });
}
