// The discussion: shows what is said, once, as fast as it comes.

import { Composer } from "./composer.js";
import { messageElement, nameOf, textNodes } from "./message.js";
import { Order } from "./order.js";
import { Tools } from "./tools.js";

/** Older ones leave the page. */
const SHOWN = 500;
/** Messages stand in groups, since one that comes or goes has the browser look at its siblings again. */
const GROUP = 10;
const NEAR_END_PX = 60;
/** A tab in the background draws nothing; what comes is put in all the same. */
const WITHOUT_FRAMES_MS = 250;
/** More than so many in so long are told to a screen reader as a number. */
const MANY = 8;
const LATELY_MS = 10000;

const byId = (id) => document.getElementById(id);

/** An attribute that is written again, unchanged, has the browser look at the style of all messages again. */
function hide(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

export class Chat {
  #panel = byId("chat");
  #log = byId("chat-log");
  #empty = byId("chat-empty");
  #fresh = byId("chat-new");
  #status = byId("chat-status");
  #clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  #conversation;
  #composer = new Composer();
  #order = null;
  #me;
  #settings;
  #onAir = false;
  /** By id: `{ message, element }`; the element is there once it was drawn. */
  #messages = new Map();
  #hidden = new Set();
  #queue = [];
  #drawing = false;
  #atEnd = true;
  #unseen = 0;
  #line = null;
  #lately = [];
  #toldAt = 0;

  constructor(facts, conversation) {
    this.#conversation = conversation;
    this.#settings = facts.chat;
    this.#me = facts.me;
    new Tools(this.#log, this.#panel.dataset, facts.urls, {
      message: (id) => this.#messages.get(id)?.message,
      reply: (message) => this.#composer.reply(message, this.#panel.dataset),
      react: (id, sums, kind, given) => this.#reacted(id, sums, kind, given),
      order: (action, id) => this.#order?.act(action, id),
    });
    if (facts.urls.moderation) this.#order = new Order(facts.urls.moderation, this.#panel.dataset, this.#clock, (names) => this.#name(names));
    this.#composer.addEventListener("sent", ({ detail }) => {
      this.#atEnd = true;
      this.add(detail);
    });
    this.#log.addEventListener("scroll", () => {
      this.#atEnd = this.#isAtEnd();
      if (this.#atEnd) this.#seen();
    }, { passive: true });
    // Whoever is at the newest message stays there when the panel takes another size.
    new ResizeObserver(() => {
      if (this.#atEnd) this.#toEnd();
    }).observe(this.#log);
    this.#fresh.addEventListener("click", () => {
      this.#toEnd();
      this.#log.focus();
    });
    conversation.addEventListener("shown", ({ detail }) => {
      if (detail === "chat") this.#toEnd();
    });
    this.renew(facts);
    this.#draw();
    this.#lately = [];
    this.#toEnd();
    this.#allow();
  }

  /** Adds a message, unless it is there already. */
  add(message) {
    const known = this.#messages.get(message.id);
    if (this.#hidden.has(message.id) || (known && !known.message.waits)) return;
    this.#takeOut(known?.element);
    this.#messages.set(message.id, { message, element: null });
    this.#queue.push(message.id);
    this.#conversation.notify("chat");
    this.#schedule();
  }

  /** The page's facts were asked for anew: what was missed, in its place or not. */
  renew(facts) {
    for (const message of facts.messages) {
      this.add(message);
      const known = this.#messages.get(message.id);
      if (!known) continue;
      known.message = { ...known.message, sums: message.sums, given: message.given };
      if (known.element) this.#showSums(known);
    }
    this.pin(facts.pinned);
  }

  /** Takes messages away: a moderator hid them. */
  hide({ ids }) {
    for (const id of ids) {
      this.#hidden.add(id);
      this.#takeOut(this.#messages.get(id)?.element);
      this.#messages.delete(id);
      for (const quote of this.#log.querySelectorAll(`[data-quotes="${CSS.escape(id)}"]`)) quote.remove();
    }
    this.#empty.hidden = this.#messages.size > 0;
    this.#order?.look();
  }

  /** Shows how often each emoji stands on some messages. */
  react({ sums }) {
    for (const [id, counts] of Object.entries(sums)) this.#reacted(id, counts);
  }

  /** Shows the message that stands above the discussion, if there is one. */
  pin(message) {
    byId("chat-pin").hidden = !message;
    if (!message) return;
    byId("chat-pin-by").textContent = nameOf(message, this.#panel.dataset);
    byId("chat-pin-text").replaceChildren(textNodes(message.text, this.#me));
  }

  /** Marks a message that did not reach the meeting. */
  mark({ id, delivery }) {
    const known = this.#messages.get(id);
    if (!known || delivery !== "failed" || known.message.delivery === "failed") return;
    known.message.delivery = delivery;
    if (!known.element) return;
    const mark = document.createElement("p");
    mark.className = "chat-undelivered";
    mark.textContent = this.#panel.dataset.undelivered;
    known.element.append(mark);
  }

  /** Follows how the discussion goes, as the presenters want it. */
  follow(settings) {
    if (settings.enabled && !this.#settings.enabled) this.#conversation.open(true);
    if (settings.names_hidden && !this.#settings.names_hidden && !this.#order) this.#forgetNames();
    this.#settings = settings;
    if (settings.enabled) this.#conversation.offer("chat", true);
    this.#allow();
  }

  /** Follows the live: one writes while it runs. */
  setState(state) {
    this.#onAir = ["starting", "live", "recovering"].includes(state);
    this.#panel.dataset.state = state;
    this.#allow();
  }

  #allow() {
    const { enabled, mode, guests, slow_s: slow } = this.#settings;
    const words = this.#panel.dataset;
    words.closed = enabled ? "no" : "yes";
    words.mode = mode;
    words.guests = guests ? "yes" : "no";
    const rule = byId("chat-rule");
    rule.textContent = { slow: words.slow.replace("{count}", slow), approved: words.approved }[words.order === "yes" ? "" : mode] ?? rule.dataset.usual;
    this.#composer.allow(enabled && this.#onAir);
  }

  // --- drawing

  #schedule() {
    if (this.#drawing) return;
    this.#drawing = true;
    const timer = setTimeout(() => this.#draw(), WITHOUT_FRAMES_MS);
    requestAnimationFrame(() => {
      clearTimeout(timer);
      this.#draw();
    });
  }

  /** Puts in all that came since the last frame, at once: one message a frame would cost a slow processor more frames. */
  #draw() {
    this.#drawing = false;
    const fresh = this.#queue.splice(0).map((id) => this.#messages.get(id)).filter((one) => one && !one.element).slice(-SHOWN);
    if (!fresh.length) return;
    const stays = !this.#atEnd;
    if (stays && !this.#line?.isConnected) this.#log.append(this.#unreadLine());
    for (const one of fresh) {
      one.element = messageElement(one.message, this.#panel.dataset, this.#clock, this.#me);
      this.#showSums(one);
      this.#groupWithRoom().append(one.element);
    }
    hide(this.#empty, true);
    this.#trim();
    this.#tell(fresh.length);
    if (stays) this.#count(fresh.length);
    else this.#toEnd();
  }

  #groupWithRoom() {
    const last = this.#log.lastElementChild;
    if (last?.matches(".chat-group") && last.childElementCount < GROUP) return last;
    const group = document.createElement("div");
    group.className = "chat-group";
    this.#log.append(group);
    return group;
  }

  #trim() {
    for (const [id, { element }] of this.#messages) {
      if (this.#messages.size <= SHOWN) return;
      this.#takeOut(element);
      this.#messages.delete(id);
    }
  }

  #takeOut(element) {
    const group = element?.parentElement;
    element?.remove();
    if (group && !group.childElementCount) group.remove();
  }

  #unreadLine() {
    this.#line = document.createElement("p");
    this.#line.className = "chat-unread";
    this.#line.textContent = this.#panel.dataset.unread;
    return this.#line;
  }

  #words(count) {
    return count === 1 ? this.#panel.dataset.newOne : this.#panel.dataset.newMany.replace("{count}", count);
  }

  #count(fresh) {
    this.#unseen += fresh;
    byId("chat-new-count").textContent = this.#words(this.#unseen);
    hide(this.#fresh, false);
  }

  #seen() {
    this.#unseen = 0;
    hide(this.#fresh, true);
    this.#line?.remove();
  }

  /** A screen reader that is told each of many messages tells nothing else. */
  #tell(fresh) {
    const now = Date.now();
    this.#lately = [...this.#lately.filter((at) => at > now - LATELY_MS), ...Array(Math.min(fresh, MANY + 1)).fill(now)];
    const many = this.#lately.length > MANY;
    const live = many ? "off" : "polite";
    if (this.#log.getAttribute("aria-live") !== live) this.#log.setAttribute("aria-live", live);
    if (many && now - this.#toldAt > LATELY_MS) {
      this.#toldAt = now;
      this.#status.textContent = this.#words(this.#lately.length);
    }
  }

  #isAtEnd() {
    return this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR_END_PX;
  }

  #toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#atEnd = true;
    this.#seen();
  }

  // --- reactions and names

  #reacted(id, sums, kind, given) {
    const known = this.#messages.get(id);
    if (!known) return;
    const mine = new Set(known.message.given);
    if (kind && given) mine.add(kind);
    else if (kind) mine.delete(kind);
    known.message = { ...known.message, sums, given: [...mine] };
    if (known.element) this.#showSums(known);
  }

  #showSums({ message, element }) {
    element.querySelector(".chat-sums")?.remove();
    const sums = Object.entries(message.sums ?? {}).filter(([, count]) => count > 0);
    if (!sums.length) return;
    const line = document.createElement("p");
    line.className = "chat-sums";
    for (const [kind, count] of sums) {
      const tool = byId("chat-tools-template").content.querySelector(`[data-react="${CSS.escape(kind)}"]`);
      if (!tool) continue;
      const pill = document.createElement("button");
      pill.type = "button";
      pill.tabIndex = -1;
      pill.dataset.react = kind;
      pill.setAttribute("aria-pressed", String(Boolean(message.given?.includes(kind))));
      pill.setAttribute("aria-label", `${tool.title} : ${count}`);
      pill.textContent = `${tool.dataset.emoji} ${count}`;
      line.append(pill);
    }
    element.querySelector(".chat-text").after(line);
  }

  /** From now on listeners don't see who wrote; not what was written before either. */
  #forgetNames() {
    const isListener = ({ role }) => !["presenter", "moderator"].includes(role);
    for (const known of this.#messages.values()) {
      const { message, element } = known;
      const reply = message.reply && isListener(message.reply) ? { ...message.reply, author: "" } : message.reply;
      known.message = { ...message, author: isListener(message) ? "" : message.author, reply };
      if (!element) continue;
      element.querySelector(".chat-by strong").textContent = nameOf(known.message, this.#panel.dataset);
      const quoted = element.querySelector(".chat-quote strong");
      if (quoted) quoted.textContent = nameOf(reply, this.#panel.dataset);
    }
  }

  /** Those who keep order see who wrote where others don't. */
  #name(names) {
    for (const [id, name] of Object.entries(names)) {
      const known = this.#messages.get(id);
      if (!known?.element || known.message.author === name) continue;
      known.message.author = name;
      known.element.querySelector(".chat-by strong").textContent = name;
    }
  }
}
