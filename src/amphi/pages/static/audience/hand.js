// The raised hand: raised with a word, its place in the queue, the way on stage.

import { send, slot } from "./send.js";

// Presenters see hands of those who are there: the page says so.
const KEEP_MS = 45000;

export class Hand {
  #box = document.getElementById("hand");
  #raise = document.getElementById("hand-raise");
  #note = document.getElementById("hand-note");
  #stage = document.getElementById("hand-stage");
  #lower = document.getElementById("hand-lower");
  #dialog = document.getElementById("hand-dialog");
  #form = document.getElementById("hand-form");
  #error = document.getElementById("hand-error");
  #mine;
  #queue;
  #url;

  constructor(facts) {
    if (!this.#box) return;
    this.#url = facts.hand_url;
    this.#raise.addEventListener("click", () => {
      this.#error.textContent = "";
      this.#dialog.showModal();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#send({ action: "raise", word: document.getElementById("hand-word").value });
    });
    this.#lower.addEventListener("click", () => this.#send({ action: "lower" }));
    setInterval(() => {
      if (this.#mine) this.#send({ action: "keep" }, true);
    }, KEEP_MS);
    this.renew(facts);
  }

  renew(facts) {
    if (!this.#box) return;
    this.#mine = facts.hand;
    this.#queue = facts.queue;
    this.#paint();
  }

  /** The queue as it is now. */
  follow(queue) {
    if (!this.#box) return;
    this.#queue = queue;
    if (this.#mine) {
      const state = ["raised", "invited", "on_stage"].find((name) => queue[name].includes(this.#mine.token));
      this.#mine = state ? { ...this.#mine, state } : null;
    }
    this.#paint();
  }

  setState(state) {
    if (!this.#box || state !== "over") return;
    this.#mine = null;
    this.#paint();
  }

  async #send(fields, quietly = false) {
    try {
      const answer = await send(this.#url, fields, this.#box.dataset);
      this.#mine = answer.hand;
      this.#queue = answer.queue;
      this.#dialog.close();
      this.#paint();
    } catch (error) {
      if (quietly) return;
      if (this.#dialog.open) this.#error.textContent = error.message;
      else this.#write(error.message);
    }
  }

  #paint() {
    const state = this.#mine?.state ?? "";
    const hadFocus = this.#box.contains(document.activeElement);
    this.#box.dataset.state = state;
    this.#raise.hidden = Boolean(state);
    this.#lower.hidden = !state;
    this.#stage.hidden = state !== "invited" && state !== "on_stage";
    const { raised, invited, stage } = this.#lower.dataset;
    this.#lower.querySelector(".hand-label").textContent = { raised, invited, on_stage: stage }[state] ?? "";
    this.#stage.textContent = state === "on_stage" ? this.#stage.dataset.back : this.#stage.dataset.invited;
    this.#say(state);
    if (hadFocus && document.activeElement === document.body) (state ? this.#lower : this.#raise).focus();
  }

  #say(state) {
    const words = this.#box.dataset;
    if (state === "raised") {
      const place = Math.max(1, this.#queue.raised.indexOf(this.#mine.token) + 1);
      if (place === 1) this.#write(words.first, words.shortfirst);
      else this.#write(words.place.replace("{place}", place), words.short.replace("{place}", place));
    } else this.#write({ invited: words.calls, on_stage: words.there }[state] ?? "");
  }

  /** A sentence, and what a phone has room for. */
  #write(long, short = "") {
    if (slot(this.#note, "long").textContent !== long) slot(this.#note, "long").textContent = long;
    slot(this.#note, "short").textContent = short;
  }
}
