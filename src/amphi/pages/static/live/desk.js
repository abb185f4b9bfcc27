// The desk of those who present or moderate: the discussion and the picture as listeners have them, and the actions of the live. Its lists and
// the state of the live are in usher.js.

import { AudienceStream } from "../audience/stream.js";
import { Chat } from "../audience/chat.js";
import { pageOf } from "./fresh_page.js";
import { Picture } from "./picture.js";
import { ask, say } from "./usher.js";

const TIMEOUT_MS = 20000;
/** A word on the stream asks for the lists at once, but not more often. */
const SOON_MS = 400;

const byId = (id) => document.getElementById(id);
const desk = byId("desk");
const facts = JSON.parse(byId("live-data").textContent);

/** The discussion has no tabs here: it is always there. */
class Alone extends EventTarget {
  notify() {}

  offer() {}

  open() {}
}

const chat = new Chat(facts, new Alone());
const picture = new Picture(facts);
const stream = new AudienceStream(facts);
let soon = null;

function askSoon() {
  soon ??= setTimeout(() => {
    soon = null;
    ask();
  }, SOON_MS);
}

function follow(now) {
  if (now.state) chat.setState(now.state);
  if (picture.follow(now)) stream.moved();
}

stream.addEventListener("state", ({ detail }) => {
  follow(detail);
  askSoon();
});
stream.addEventListener("chat", ({ detail }) => chat.follow(detail));
stream.addEventListener("message", ({ detail }) => chat.add(detail));
stream.addEventListener("hidden", ({ detail }) => chat.hide(detail));
stream.addEventListener("reacted", ({ detail }) => chat.react(detail));
stream.addEventListener("pin", ({ detail }) => chat.pin(detail.message));
stream.addEventListener("delivery", ({ detail }) => chat.mark(detail));
for (const kind of ["question", "poll", "hands"]) stream.addEventListener(kind, askSoon);
stream.addEventListener("refreshed", ({ detail }) => {
  picture.renew(detail);
  chat.renew(detail);
});
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

/** Does something to the live without leaving the page, on which somebody may be typing; what came of it is said as a page would say it. */
async function act(form, button) {
  button.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form), signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) throw new Error(`live: ${answer.status}`);
    const page = await pageOf(answer);
    // Logged out meanwhile, say: then it is another page.
    if (!page.getElementById("desk")) throw new Error("live: not the desk");
    const said = (kind) => [...page.querySelectorAll(`.alert-${kind}.alert-dismissible > div`)].map((line) => line.textContent.trim()).join(" ");
    say(said("danger"), said("success"));
  } catch {
    say(desk.dataset.failed);
  } finally {
    button.disabled = false;
  }
  await ask();
}

desk.addEventListener("submit", (event) => {
  const dialog = event.target.closest("#stop-dialog, #end-dialog");
  if (!dialog && !event.target.matches("[data-live]")) return;
  event.preventDefault();
  event.stopPropagation();
  dialog?.close();
  act(event.target, event.submitter);
});

follow(facts);
stream.open();
