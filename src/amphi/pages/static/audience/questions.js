// The questions: shown as they stand, asked, and voted for.

import { clearSent, send, slot, uuid } from "./send.js";

const SHOWN = 300;
// The list is put in order again when nobody has a finger on it: what one is about to press does not move away.
const ORDER_MS = 4000;

export class Questions {
  #panel = document.getElementById("questions");
  #list = document.getElementById("questions-list");
  #empty = document.getElementById("questions-empty");
  #by = document.getElementById("questions-by");
  #template = document.getElementById("question-template");
  #form = document.getElementById("question-form");
  #text = document.getElementById("question-text");
  #status = document.getElementById("questions-status");
  #clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  /** By id: `{ data, element }`. */
  #known = new Map();
  #conversation;
  #on;
  #over = false;
  #draftId = null;
  #dirty = false;

  constructor(facts, conversation) {
    this.#conversation = conversation;
    this.#on = facts.questions;
    for (const question of facts.asked) this.#put(question);
    this.#order();
    this.#by.addEventListener("change", () => this.#order());
    this.#list.addEventListener("click", (event) => {
      const button = event.target.closest(".question-vote");
      if (button) this.#vote(button);
    });
    setInterval(() => this.#orderWhenFree(), ORDER_MS);
    conversation.addEventListener("shown", ({ detail }) => {
      if (detail === "questions") this.#orderWhenFree();
    });
    if (this.#form) this.#listenToForm();
  }

  /** A question as it is now: new, answered, or no longer shown. */
  put(question) {
    if (question.state === "hidden") {
      this.#remove(question.id);
      return;
    }
    const isNew = !this.#known.has(question.id);
    this.#put(question);
    this.#dirty = true;
    if (isNew) {
      this.#conversation.offer("questions", true);
      this.#conversation.notify("questions");
    }
    if (isNew || question.state === "current") this.#orderWhenFree();
  }

  /** How many votes some questions have now. */
  count({ votes }) {
    for (const [id, number] of Object.entries(votes)) {
      const known = this.#known.get(id);
      if (!known) continue;
      known.data.votes = number;
      this.#paint(known);
      this.#dirty = true;
    }
  }

  /** All of it anew, after a long break. */
  renew(facts) {
    const there = new Set(facts.asked.map((question) => question.id));
    for (const id of [...this.#known.keys()]) if (!there.has(id)) this.#remove(id);
    for (const question of facts.asked) this.#put(question);
    this.allow(facts);
    this.#order();
  }

  /** What the presenters allow now. */
  allow({ questions, anonymous }) {
    this.#on = questions;
    const box = document.getElementById("question-anonymous-box");
    if (box) box.hidden = !anonymous;
    this.#offer();
  }

  setState(state) {
    this.#over = state === "over";
    this.#offer();
  }

  #offer() {
    const open = this.#on && !this.#over;
    for (const id of ["question-form", "question-login"]) {
      const element = document.getElementById(id);
      if (element) element.hidden = !open;
    }
    document.getElementById("questions-closed").hidden = open;
    this.#conversation.offer("questions", open || this.#known.size > 0);
    for (const known of this.#known.values()) this.#paint(known);
  }

  #put(question) {
    let known = this.#known.get(question.id);
    if (!known) {
      if (this.#known.size >= SHOWN) return;
      const element = this.#template.content.firstElementChild.cloneNode(true);
      element.dataset.questionId = question.id;
      known = { data: {}, element };
      this.#known.set(question.id, known);
      this.#list.append(element);
    }
    // Whether one voted, and whose it is, is told only to whom it concerns: what is known of it stays.
    known.data = { voted: false, own: false, ...known.data, ...question };
    this.#paint(known);
    this.#empty.hidden = true;
  }

  #remove(id) {
    this.#known.get(id)?.element.remove();
    this.#known.delete(id);
    this.#empty.hidden = this.#known.size > 0;
  }

  #paint({ data, element }) {
    element.dataset.state = data.state;
    const words = this.#panel.dataset;
    const author = data.author ? `${data.author}${data.guest ? ` (${words.guest})` : ""}` : words.anonymous;
    slot(element, "author").textContent = data.own ? words.own : author;
    slot(element, "text").textContent = data.text;
    const answer = slot(element, "answer");
    answer.textContent = data.answer;
    answer.hidden = !data.answer;
    const time = element.querySelector("time");
    time.dateTime = data.at;
    time.textContent = this.#clock.format(new Date(data.at));
    const button = element.querySelector(".question-vote");
    const votable = this.#on && !this.#over && (data.state === "open" || data.state === "current");
    button.setAttribute("aria-disabled", String(!votable));
    button.setAttribute("aria-pressed", String(data.voted));
    slot(element, "votes").textContent = data.votes;
    slot(element, "vote-label").textContent = `${data.voted ? words.voted : words.vote}. ${words.votes} `;
  }

  #orderWhenFree() {
    if (!this.#dirty || this.#list.matches(":hover, :focus-within")) return;
    this.#order();
  }

  #order() {
    this.#dirty = false;
    const rank = { current: 0, waiting: 1, open: 1, answered: 2 };
    const votes = this.#by.value === "votes";
    const sorted = [...this.#known.values()].sort(
      ({ data: one }, { data: two }) =>
        (votes && (rank[one.state] - rank[two.state] || two.votes - one.votes || one.at.localeCompare(two.at))) || two.at.localeCompare(one.at),
    );
    // Only what is out of place is moved, so that a focus is not lost for nothing.
    sorted.forEach(({ element }, index) => {
      if (this.#list.children[index] !== element) this.#list.insertBefore(element, this.#list.children[index]);
    });
  }

  async #vote(button) {
    if (button.getAttribute("aria-disabled") === "true") return;
    const id = button.closest(".question").dataset.questionId;
    const known = this.#known.get(id);
    const wanted = !known.data.voted;
    // Shown at once; taken back if it is refused.
    const before = { ...known.data };
    Object.assign(known.data, { voted: wanted, votes: known.data.votes + (wanted ? 1 : -1) });
    this.#paint(known);
    try {
      Object.assign(known.data, await send(`questions/${id}/vote`, { wanted: wanted ? "1" : "0" }, this.#panel.dataset));
      this.#status.textContent = "";
    } catch (error) {
      Object.assign(known.data, { voted: before.voted, votes: before.votes });
      this.#status.textContent = error.message;
      this.#fail(error.message);
    }
    this.#paint(known);
  }

  #fail(reason) {
    const error = document.getElementById("question-error");
    if (error) error.textContent = reason;
    if (!this.#text) return;
    if (reason) this.#text.setAttribute("aria-invalid", "true");
    else this.#text.removeAttribute("aria-invalid");
  }

  #listenToForm() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#ask();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
    this.#text.addEventListener("input", () => {
      this.#draftId = null;
      this.#fail("");
      this.#status.textContent = "";
    });
  }

  async #ask() {
    const text = this.#text.value.trim();
    const submit = this.#form.querySelector('[type="submit"]');
    if (!text || submit.getAttribute("aria-busy")) return;
    submit.setAttribute("aria-busy", "true");
    // The same id when the same text is sent again after a break: it is stored once.
    this.#draftId ??= uuid();
    const anonymous = document.getElementById("question-anonymous").checked ? "1" : "";
    try {
      const question = await send(this.#form.action, { text, anonymous, id: this.#draftId }, this.#panel.dataset);
      this.#put(question);
      this.#dirty = true;
      clearSent(this.#text, text);
      this.#draftId = null;
      this.#fail("");
      this.#status.textContent = question.state === "waiting" ? this.#form.dataset.waits : this.#form.dataset.done;
      this.#order();
      this.#known.get(question.id)?.element.scrollIntoView({ block: "nearest" });
    } catch (error) {
      this.#fail(error.message);
    } finally {
      submit.removeAttribute("aria-busy");
    }
  }
}
