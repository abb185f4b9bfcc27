// Where one writes: the guest's name, the message, what it answers. Whatever goes wrong, what was typed stays.

import { nameOf } from "./message.js";
import { clearSent, uuid } from "./send.js";

const TIMEOUT_MS = 10000;
const SEEN_FROM = 0.8;
const TURNS = 5;
const TURN_MS = 2000;

const byId = (id) => document.getElementById(id);

/** Dispatches `sent` with the message as it was taken. */
export class Composer extends EventTarget {
  #form = byId("chat-form");
  #guest = byId("guest-form");
  #text = byId("chat-text");
  #send = byId("chat-send");
  #error = byId("chat-error");
  #status = byId("chat-status");
  #turn = byId("chat-turn");
  #count = byId("chat-count");
  #answer = byId("chat-answer");
  #replyTo = byId("chat-reply-to");
  #draft = `amphi draft ${location.pathname}`;
  #draftId = null;
  #sending = false;

  constructor() {
    super();
    this.#listenToForm();
    this.#guest?.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#nameGuest();
    });
    byId("chat-answer-drop").addEventListener("click", () => {
      this.#drop();
      this.#text.focus();
    });
    this.#text.value = stored(this.#draft);
    this.#tally();
  }

  allow(allowed) {
    this.#text.disabled = this.#send.disabled = !allowed;
  }

  /** Have the next message answer `message`. */
  reply(message, words) {
    this.#replyTo.value = message.id;
    byId("chat-answer-text").textContent = `${nameOf(message, words)} – ${message.text.slice(0, 80)}`;
    this.#answer.hidden = false;
    this.#text.focus();
  }

  #drop() {
    this.#replyTo.value = "";
    this.#answer.hidden = true;
  }

  #listenToForm() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#submit();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.#answer.hidden) this.#drop();
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
    this.#text.addEventListener("input", () => {
      this.#draftId = null;
      this.#status.textContent = "";
      this.#fail("");
      this.#tally();
      store(this.#draft, this.#text.value);
    });
  }

  #tally() {
    const { length } = this.#text.value;
    this.#count.textContent = `${length} / ${this.#count.dataset.max}`;
    this.#count.classList.toggle("chat-count-near", length > SEEN_FROM * Number(this.#count.dataset.max));
  }

  #fail(reason) {
    this.#error.textContent = reason;
    this.#text.toggleAttribute("aria-invalid", Boolean(reason));
    if (reason) this.#text.setAttribute("aria-invalid", "true");
  }

  async #submit() {
    const text = this.#text.value.trim();
    if (!text || this.#sending) return;
    this.#sending = true;
    this.#send.setAttribute("aria-busy", "true");
    // The same id when the same text is sent again after a break: it is stored once.
    this.#draftId ??= uuid();
    try {
      const body = new FormData(this.#form);
      body.set("text", text);
      body.set("id", this.#draftId);
      await this.#answered(await this.#post(body), text);
    } catch {
      this.#fail(this.#form.dataset.failed);
    } finally {
      this.#turn.textContent = "";
      this.#sending = false;
      this.#send.removeAttribute("aria-busy");
    }
  }

  /** Sends it; while many write at once, again a little later, each page at a moment of its own. */
  async #post(body) {
    for (let turn = 1; ; turn += 1) {
      const answer = await post(this.#form.action, body);
      const crowded = answer.status === 422 && (await answer.clone().json()).error === "crowded";
      if (!crowded || turn === TURNS) return answer;
      this.#fail("");
      this.#turn.textContent = this.#form.dataset.crowded;
      await new Promise((done) => setTimeout(done, turn * TURN_MS * (0.5 + Math.random())));
    }
  }

  async #answered(answer, sent) {
    if (answer.ok) {
      const message = await answer.json();
      clearSent(this.#text, sent);
      store(this.#draft, this.#text.value);
      this.#draftId = null;
      this.#drop();
      this.#fail("");
      this.#tally();
      this.#status.textContent = message.waits ? this.#form.dataset.waits : this.#form.dataset.done;
      this.dispatchEvent(new CustomEvent("sent", { detail: message }));
    } else if (answer.status === 422) {
      this.#fail((await answer.json()).detail);
    } else {
      const { failed, refused, login } = this.#form.dataset;
      this.#fail({ 401: login, 403: refused }[answer.status] ?? failed);
    }
  }

  async #nameGuest() {
    const error = byId("guest-error");
    try {
      const answer = await post(this.#guest.action, new FormData(this.#guest));
      if (answer.ok) {
        this.#guest.hidden = true;
        document.querySelector('[data-notice="login"]')?.remove();
        this.#form.hidden = false;
        this.#text.focus();
      } else error.textContent = answer.status === 422 ? (await answer.json()).detail : this.#form.dataset.failed;
    } catch {
      error.textContent = this.#form.dataset.failed;
    }
  }
}

function post(url, body) {
  return fetch(url, { method: "POST", headers: { Accept: "application/json" }, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
}

// A browser may keep nothing: then nothing is kept.
function stored(key) {
  try {
    return sessionStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function store(key, text) {
  try {
    sessionStorage.setItem(key, text);
  } catch {
    // As above.
  }
}
