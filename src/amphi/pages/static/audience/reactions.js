// Reactions: what is pressed is sent once a second, and what all pressed floats over the picture.

const SEND_MS = 1000;
const MOST_A_SECOND = 5;
// What was told longer ago than this belongs to another moment: a page that comes back does not applaud late.
const FRESH_MS = 10000;
const MOST_FLOATING = 12;
const FLOAT_MS = 3200;
const SUM_MS = 4000;

export class Reactions {
  #bar = document.getElementById("reactions");
  #stage = document.getElementById("stage");
  #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #pressed = {};
  #timer = null;
  #url;
  #skewMs;
  #sums = new Map();

  constructor(facts, skewMs) {
    this.#url = facts.reactions_url;
    this.#skewMs = skewMs;
    this.#bar.addEventListener("click", (event) => {
      const button = event.target.closest("[data-reaction]");
      if (button) this.#press(button.dataset.reaction);
    });
  }

  renew(facts) {
    this.#url = facts.reactions_url;
  }

  /** What a web process was sent in a second. */
  show({ sums, at }) {
    if (Date.now() + this.#skewMs - Date.parse(at) > FRESH_MS) return;
    for (const [kind, number] of Object.entries(sums)) {
      const button = this.#bar.querySelector(`[data-reaction="${CSS.escape(kind)}"]`);
      if (!button) continue;
      this.#sum(button, number);
      if (!this.#calm.matches && !document.hidden) this.#float(button.firstElementChild.textContent, number);
    }
  }

  #press(kind) {
    const total = Object.values(this.#pressed).reduce((sum, number) => sum + number, 0);
    if (total >= MOST_A_SECOND) return;
    this.#pressed[kind] = (this.#pressed[kind] ?? 0) + 1;
    this.#timer ??= setTimeout(() => this.#send(), SEND_MS);
  }

  #send() {
    const body = JSON.stringify(this.#pressed);
    this.#pressed = {};
    this.#timer = null;
    // Applause that is lost is no reason to trouble anybody.
    fetch(this.#url, { method: "POST", body, keepalive: true }).catch(() => {});
  }

  /** The number beside the emoji: all that was told in the last seconds. */
  #sum(button, number) {
    let count = button.querySelector(".reaction-sum");
    if (!count) {
      count = document.createElement("span");
      count.className = "reaction-sum";
      count.setAttribute("aria-hidden", "true");
      button.append(count);
    }
    const known = this.#sums.get(button) ?? { total: 0 };
    known.total += number;
    count.textContent = known.total > 999 ? "999+" : known.total;
    clearTimeout(known.timer);
    known.timer = setTimeout(() => {
      count.remove();
      this.#sums.delete(button);
    }, SUM_MS);
    this.#sums.set(button, known);
  }

  #float(emoji, number) {
    const there = this.#stage.querySelectorAll(".reaction-float").length;
    const many = Math.min(Math.ceil(Math.sqrt(number)), MOST_FLOATING - there);
    for (let index = 0; index < many; index += 1) {
      const one = document.createElement("span");
      one.className = "reaction-float";
      one.setAttribute("aria-hidden", "true");
      one.textContent = emoji;
      one.style.setProperty("--x", `${Math.round(Math.random() * 80)}px`);
      one.style.animationDelay = `${Math.round((index / many) * SEND_MS)}ms`;
      this.#stage.append(one);
      setTimeout(() => one.remove(), FLOAT_MS + SEND_MS);
    }
  }
}
