// The form of a job type: a choice on which other fields depend draws the form anew, as its button does without script.
"use strict";
document.addEventListener("change", (event) => {
  const button = document.getElementById(event.target.dataset?.press ?? "");
  if (button && event.target.form) button.click();
});
