// The chat's panel: shows what is said, once, and sends what the listener says.

const SHOWN = 300;
const NEAR_BOTTOM_PX = 60;

export class Chat {
  #panel = document.getElementById("chat");
  #log = document.getElementById("chat-log");
  #empty = document.getElementById("chat-empty");
  #fresh = document.getElementById("chat-new");
  #form = document.getElementById("chat-form");
  #text = document.getElementById("chat-text");
  #send = document.getElementById("chat-send");
  #error = document.getElementById("chat-error");
  #status = document.getElementById("chat-status");
  #count = document.getElementById("chat-count");
  #clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit" });
  #conversation;
  #enabled;
  #onAir = false;
  #sending = false;
  #draftId = null;
  #atEnd = true;

  constructor(facts, conversation) {
    this.#conversation = conversation;
    this.#enabled = facts.chat.enabled;
    for (const time of this.#log.querySelectorAll("time")) this.#showTime(time);
    this.#toBottom();
    this.#log.addEventListener("scroll", () => {
      this.#atEnd = this.#atBottom();
      if (this.#atEnd) this.#fresh.hidden = true;
    }, { passive: true });
    // Whoever is at the newest message stays there when the panel takes another size.
    new ResizeObserver(() => {
      if (this.#atEnd) this.#toBottom();
    }).observe(this.#log);
    this.#fresh.addEventListener("click", () => {
      this.#toBottom();
      this.#log.focus();
    });
    conversation.addEventListener("shown", ({ detail }) => {
      if (detail === "chat") this.#toBottom();
    });
    if (this.#form) this.#listenToForm();
  }

  /** Adds a message, unless it is there already. */
  add(message) {
    if (this.#find(message.id)) return;
    this.#conversation.notify("chat");
    const stay = !this.#atBottom();
    this.#log.append(this.#element(message));
    this.#empty.hidden = true;
    while (this.#log.querySelectorAll(".chat-message").length > SHOWN) this.#log.querySelector(".chat-message").remove();
    if (stay) this.#fresh.hidden = false;
    else this.#toBottom();
  }

  /** Marks a message that did not reach the meeting. */
  mark({ id, delivery }) {
    const element = this.#find(id);
    if (!element || delivery !== "failed" || element.querySelector(".chat-undelivered")) return;
    const mark = document.createElement("p");
    mark.className = "chat-undelivered";
    mark.textContent = this.#panel.dataset.undelivered;
    element.append(mark);
  }

  /** Opens or closes the chat, as the presenter wants it. */
  follow({ enabled }) {
    if (enabled && !this.#enabled) this.#conversation.open(true);
    this.#enabled = enabled;
    this.#panel.dataset.closed = enabled ? "no" : "yes";
    if (enabled) this.#conversation.offer("chat", true);
    this.#allow();
  }

  /** Follows the live: one writes while it runs. */
  setState(state) {
    this.#onAir = ["starting", "live", "recovering"].includes(state);
    this.#panel.dataset.state = state;
    this.#allow();
  }

  #allow() {
    if (!this.#form) return;
    const allowed = this.#enabled && this.#onAir;
    this.#text.disabled = this.#send.disabled = !allowed;
  }

  #find(id) {
    return this.#log.querySelector(`[data-message-id="${CSS.escape(id)}"]`);
  }

  #element(message) {
    const element = document.createElement("div");
    element.className = "chat-message";
    element.dataset.messageId = message.id;
    const by = document.createElement("p");
    by.className = "chat-by";
    const author = document.createElement("strong");
    author.textContent = message.author;
    by.append(author, " ");
    if (message.source === "meeting") {
      element.classList.add("chat-message-presenter");
      const badge = document.createElement("span");
      badge.className = "chat-badge";
      badge.textContent = this.#panel.dataset.presenter;
      by.append(badge, " ");
    }
    const time = document.createElement("time");
    time.dateTime = message.at;
    this.#showTime(time);
    by.append(time);
    const text = document.createElement("p");
    text.className = "chat-text";
    text.textContent = message.text;
    element.append(by, text);
    return element;
  }

  #showTime(time) {
    time.textContent = this.#clock.format(new Date(time.dateTime));
  }

  #atBottom() {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR_BOTTOM_PX;
  }

  #toBottom() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#fresh.hidden = true;
  }

  #listenToForm() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#submit();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
    this.#text.addEventListener("input", () => {
      this.#draftId = null;
      this.#status.textContent = "";
      this.#fail("");
      this.#tally();
    });
    this.#tally();
  }

  #tally() {
    this.#count.textContent = `${this.#text.value.length} / ${this.#count.dataset.max}`;
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
      const answer = await fetch(this.#form.action, {
        method: "POST",
        headers: { Accept: "application/json" },
        body,
        signal: AbortSignal.timeout(10000),
      });
      await this.#answered(answer);
    } catch {
      this.#fail(this.#form.dataset.failed);
    } finally {
      this.#sending = false;
      this.#send.removeAttribute("aria-busy");
    }
  }

  async #answered(answer) {
    if (answer.ok) {
      this.add(await answer.json());
      this.#text.value = "";
      this.#draftId = null;
      this.#fail("");
      this.#tally();
      this.#status.textContent = this.#form.dataset.done;
      this.#toBottom();
    } else if (answer.status === 422) {
      this.#fail((await answer.json()).detail);
    } else {
      const { failed, refused, login } = this.#form.dataset;
      this.#fail({ 401: login, 403: refused }[answer.status] ?? failed);
    }
  }
}

/** A random UUID; `crypto.randomUUID` is only there over HTTPS. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
