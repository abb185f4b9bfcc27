// The lists of the desk and the state of its live: kept up to date by asking for them again, and acted on without leaving the page.

import { pageOf } from "./fresh_page.js";

const ASK_MS = 2000;
const TIMEOUT_MS = 8000;

const usher = document.getElementById("desk");
const error = document.getElementById("usher-error");
let timer = null;
let asking = false;

/** Only what changed is replaced, and nothing in which somebody types. */
function render(fresh) {
  for (const element of fresh.querySelectorAll("#desk-state [id]")) copy(element);
  for (const section of fresh.querySelectorAll("section[id]:has(.usher-list)")) {
    const now = document.getElementById(section.id);
    if (now.hidden !== section.hidden) now.hidden = section.hidden;
    const list = now.querySelector(".usher-list");
    merge(list, section.querySelector(".usher-list"));
    same(now.querySelector(".usher-count"), section.querySelector(".usher-count"));
    const none = section.querySelector(".usher-none");
    now.querySelector(".usher-none")?.remove();
    if (none) list.after(none);
  }
}

/** What stays in the page takes over how it looks and what it says; what did not change is not touched, so that nothing is read out twice. */
function copy(fresh) {
  const now = document.getElementById(fresh.id);
  if (!now) return;
  if (now.hidden !== fresh.hidden) {
    const hadFocus = now.contains(document.activeElement);
    now.hidden = fresh.hidden;
    if (hadFocus && now.hidden) toTitle(document.getElementById("desk-state"));
  }
  for (const name of ["class", "data-shown", "aria-pressed"]) {
    const value = fresh.getAttribute(name);
    if (value !== null && now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  if (now.textContent === fresh.textContent) return;
  if (now.hasAttribute("data-whole")) now.replaceChildren(...document.importNode(fresh, true).childNodes);
  else if (!fresh.children.length) now.textContent = fresh.textContent;
}

function toTitle(section) {
  const title = section.querySelector("h2");
  title.tabIndex = -1;
  title.focus();
}

function same(now, fresh) {
  if (now && fresh && now.textContent !== fresh.textContent) now.textContent = fresh.textContent;
}

/** What an item says, without the tokens of its forms, which differ each time. */
function said(item) {
  const copy = item.cloneNode(true);
  for (const part of copy.querySelectorAll('input[name="csrfmiddlewaretoken"]')) part.remove();
  for (const part of copy.querySelectorAll("details")) part.removeAttribute("open");
  return copy.outerHTML;
}

function isTypedIn(item) {
  return [...item.querySelectorAll("textarea")].some((field) => field.value !== field.defaultValue || field === document.activeElement);
}

function merge(list, fresh) {
  const old = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const focus = document.activeElement?.id;
  [...fresh.children].forEach((item, index) => {
    const known = old.get(item.dataset.key);
    old.delete(item.dataset.key);
    const kept = known && (isTypedIn(known) || said(known) === said(item)) ? known : document.importNode(item, true);
    if (known && kept !== known) {
      const open = known.querySelector("details[open]");
      known.replaceWith(kept);
      if (open) kept.querySelector("details")?.setAttribute("open", "");
    }
    if (list.children[index] !== kept) list.insertBefore(kept, list.children[index] ?? null);
  });
  for (const item of old.values()) if (!isTypedIn(item)) item.remove();
  if (focus && document.activeElement === document.body) document.getElementById(focus)?.focus();
}

export async function ask() {
  clearTimeout(timer);
  if (!document.hidden && !asking) {
    asking = true;
    try {
      const answer = await fetch(usher.dataset.part, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (answer.redirected || [401, 403, 404].includes(answer.status)) return; // logged out, or gone: a reload says it
      if (answer.ok) render(await pageOf(answer));
    } catch {
      // The server is away for a moment: what is shown stays, and is asked for again.
    } finally {
      asking = false;
    }
  }
  timer = setTimeout(ask, ASK_MS);
}

/** Says that something did not work, or that it did. */
export function say(failed, done = "") {
  for (const [line, sentence] of [[error, failed], [document.getElementById("desk-done"), done]]) {
    line.textContent = sentence;
    line.hidden = !sentence;
  }
}

async function act(form, button) {
  const body = new FormData(form, button);
  // The answer is published: nothing of it is lost when its item is replaced.
  let sentence = "";
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "POST", headers: { Accept: "application/json" }, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.status === 422) sentence = (await answer.json()).detail;
    else if (!answer.ok) sentence = usher.dataset.failed;
    else for (const field of form.querySelectorAll("textarea")) field.defaultValue = field.value;
  } catch {
    sentence = usher.dataset.failed;
  }
  say(sentence);
  if (!sentence) {
    const details = form.closest("details");
    if (details) details.open = false;
    if (form.contains(document.activeElement)) keepPlace(form);
    await ask();
  }
}

/** Whoever works by keyboard goes on in the list that they were in. */
function keepPlace(form) {
  const list = form.closest(".usher-list");
  const item = form.closest("li");
  const next = item.nextElementSibling ?? item.previousElementSibling;
  const target = next?.querySelector("button");
  if (target) target.focus();
  else toTitle(list.closest("section"));
}

usher.addEventListener("submit", (event) => {
  if (!event.target.closest(".usher-list")) return;
  event.preventDefault();
  event.stopPropagation();
  act(event.target, event.submitter);
});

timer = setTimeout(ask, ASK_MS);
