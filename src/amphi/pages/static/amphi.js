// What every page may use: menus, copy buttons, error summaries, dialogs that ask before a form is sent.

import "./menus.js";
import "./place.js";

/** Copies `data-copy` of a button and says so, in the button and to screen readers. */
async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  const label = button.querySelector("[data-copy-label]") ?? button;
  const before = label.textContent;
  label.textContent = button.dataset.copied;
  document.getElementById("announcer").textContent = button.dataset.copied;
  button.classList.add("is-copied");
  button.disabled = true;
  setTimeout(() => {
    label.textContent = before;
    button.classList.remove("is-copied");
    button.disabled = false;
  }, 1800);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) {
    copy(button).catch(() => window.prompt(button.dataset.copyFallback ?? "", button.dataset.copy));
    return;
  }
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.opens);
    if (opener.dataset.action) dialog.querySelector("form").action = opener.dataset.action;
    if (opener.dataset.name) dialog.querySelector('[data-slot="name"]').textContent = opener.dataset.name;
    dialog.showModal();
    return;
  }
  const closer = event.target.closest("[data-closes]");
  if (closer) closer.closest("dialog").close();
  const dismisser = event.target.closest("[data-dismisses]");
  if (dismisser) {
    dismisser.closest(".alert").remove();
    document.getElementById("main").focus({ preventScroll: true });
  }
});

// A form that was refused: the reader starts at what is wrong.
document.querySelector("[data-error-summary], [data-focus]")?.focus();

// One press is enough: a form that is being sent is not sent twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post" && !form.target) {
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
  }
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
  }
});
