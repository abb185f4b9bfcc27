// Order in the hall, for those who keep it: what awaits approval, who was muted or excluded, how the discussion goes. None of it is on the
// public stream, so this page asks for it.

import { messageElement } from "./message.js";
import { Refused, send } from "./send.js";

const EVERY_MS = 3000;
const IN_BACKGROUND_MS = 15000;

const byId = (id) => document.getElementById(id);

export class Order {
  #url;
  #words;
  #clock;
  #names;
  #root = byId("order");
  #timer = null;
  #count = 0;

  /** @param {(names: Record<string, string>) => void} names takes who wrote, by message, where others don't see it */
  constructor(url, words, clock, names) {
    this.#url = url;
    this.#words = words;
    this.#clock = clock;
    this.#names = names;
    byId("order-mode").addEventListener("change", ({ target }) => this.act("mode", target.value));
    byId("chat-unpin").addEventListener("click", () => this.act("unpin", ""));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.look();
    });
    this.look();
  }

  /** Asks what there is now. */
  async look() {
    clearTimeout(this.#timer);
    try {
      const answer = await fetch(this.#url, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(10000) });
      if (answer.ok) this.#show(await answer.json());
    } catch {
      // The line below the picture says that the connection is lost; this asks again.
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), document.hidden ? IN_BACKGROUND_MS : EVERY_MS);
  }

  /** Does one thing to a message, a person or the discussion. */
  async act(action, id) {
    const error = byId("order-error");
    error.textContent = "";
    try {
      this.#show(await send(`${this.#url}/${action}`, { id }, this.#words));
    } catch (refusal) {
      if (!(refusal instanceof Refused)) throw refusal;
      this.#root.open = true;
      error.textContent = refusal.message;
    }
  }

  #show(facts) {
    const { waitsOne, waitsMany } = this.#root.dataset;
    const count = facts.waiting_count;
    byId("order-count").hidden = !count;
    byId("order-count").textContent = count;
    if (count > this.#count) byId("order-status").textContent = count === 1 ? waitsOne : waitsMany.replace("{count}", count);
    this.#count = count;
    if (document.activeElement !== byId("order-mode")) byId("order-mode").value = facts.mode;
    fill(byId("order-waiting"), byId("order-waiting-none"), facts.waiting, (one) => this.#waiting(one));
    fill(byId("order-restraints"), byId("order-restraints-none"), facts.restraints, (one) => this.#restraint(one));
    this.#names(facts.names);
  }

  #waiting(message) {
    const row = messageElement(message, this.#words, this.#clock, "");
    row.className = "order-message";
    row.removeAttribute("data-message-id");
    row.removeAttribute("tabindex");
    const { approve, refuse } = this.#root.dataset;
    row.append(this.#button(approve, "btn-primary", "approve", message.id), " ", this.#button(refuse, "btn-quiet", "hide", message.id));
    return row;
  }

  #restraint(one) {
    const row = document.createElement("div");
    row.append(`${one.name} – ${one.label} `, this.#button(this.#root.dataset.lift, "btn-quiet", "lift", one.id));
    return row;
  }

  #button(label, kind, action, id) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `btn btn-sm ${kind}`;
    button.textContent = label;
    button.addEventListener("click", () => this.act(action, id));
    return button;
  }
}

/** Rows that stay are left as they are, so that no button goes away under a finger. */
function fill(list, none, rows, make) {
  const wanted = new Map(rows.map((row) => [String(row.id), row]));
  for (const item of [...list.children]) if (!wanted.has(item.dataset.id)) item.remove();
  const there = new Set([...list.children].map((item) => item.dataset.id));
  for (const [id, row] of wanted) {
    if (there.has(id)) continue;
    const item = document.createElement("li");
    item.dataset.id = id;
    item.append(make(row));
    list.append(item);
  }
  none.hidden = rows.length > 0;
}
