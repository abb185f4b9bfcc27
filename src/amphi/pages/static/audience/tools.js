// What can be done with a message: one toolbar, which stands at the message that is pointed at, tapped, or reached by arrows.

import { Refused, send } from "./send.js";

export class Tools {
  #log;
  #words;
  #urls;
  #calls;
  #bar = document.getElementById("chat-tools-template").content.firstElementChild.cloneNode(true);

  /**
   * @param {HTMLElement} log where the messages are
   * @param {DOMStringMap} words the panel's words
   * @param {{react: string}} urls where to send
   * @param {object} calls `message(id)`, `reply(message)`, `react(id, sums, kind, given)`, `order(action, id)`
   */
  constructor(log, words, urls, calls) {
    this.#log = log;
    this.#words = words;
    this.#urls = urls;
    this.#calls = calls;
    log.addEventListener("pointerover", ({ target, pointerType }) => {
      if (pointerType === "mouse" && !this.#bar.contains(document.activeElement)) this.#at(target.closest?.(".chat-message"));
    });
    log.addEventListener("pointerleave", () => {
      if (!this.#bar.contains(document.activeElement) && document.activeElement !== this.#message) this.#leave();
    });
    log.addEventListener("focusin", ({ target }) => this.#at(target.closest(".chat-message")));
    log.addEventListener("click", (event) => this.#press(event));
    log.addEventListener("keydown", (event) => this.#key(event));
  }

  get #message() {
    return this.#bar.closest(".chat-message");
  }

  #at(element) {
    const message = element && this.#calls.message(element.dataset.messageId);
    if (!message || message.waits || this.#bar.parentElement === element) return;
    for (const button of this.#bar.querySelectorAll("[data-of-listeners]")) {
      button.hidden = message.source !== "listener" || ["presenter", "moderator"].includes(message.role);
    }
    for (const button of this.#bar.querySelectorAll("[data-react]")) {
      button.setAttribute("aria-pressed", String(Boolean(message.given?.includes(button.dataset.react))));
    }
    this.#leave();
    element.classList.add("chat-message-active");
    element.append(this.#bar);
  }

  #leave() {
    this.#message?.classList.remove("chat-message-active");
    this.#bar.remove();
  }

  #key(event) {
    const here = event.target.closest(".chat-message");
    if (event.key === "Escape" && here) {
      this.#log.focus();
      this.#leave();
      return;
    }
    if (!["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
    const all = [...this.#log.querySelectorAll(".chat-message")];
    if (!all.length) return;
    const at = here ? all.indexOf(here) : all.length;
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
    event.preventDefault();
    all[Math.max(0, Math.min(to, all.length - 1))].focus();
  }

  #press(event) {
    const element = event.target.closest(".chat-message");
    if (!element) return;
    const message = this.#calls.message(element.dataset.messageId);
    const button = event.target.closest("button");
    if (!button || !message) {
      this.#at(element);
      return;
    }
    if (button.dataset.react) this.#react(message, button.dataset.react);
    else if (button.dataset.do === "reply") this.#calls.reply(message);
    else if (button.dataset.do) {
      const name = element.querySelector(".chat-by strong").textContent;
      if (button.dataset.asks && !confirm(button.dataset.asks.replace("{name}", name))) return;
      if (button.dataset.do === "hide" || button.dataset.do === "ban") this.#log.focus();
      this.#calls.order(button.dataset.do, message.id);
    }
  }

  async #react(message, kind) {
    const wanted = !message.given?.includes(kind);
    try {
      const { sums } = await send(this.#urls.react, { message: message.id, kind, wanted: wanted ? "1" : "0" }, this.#words);
      this.#calls.react(message.id, sums, kind, wanted);
      this.#bar.querySelector(`[data-react="${kind}"]`)?.setAttribute("aria-pressed", String(wanted));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      document.getElementById("chat-status").textContent = error.message;
    }
  }
}
