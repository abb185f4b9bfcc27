// The polls: chosen in, and their results once the presenter shows them.

import { send, slot } from "./send.js";

export class Polls {
  #panel = document.getElementById("polls");
  #list = document.getElementById("polls-list");
  #template = document.getElementById("poll-template");
  #choice = document.getElementById("choice-template");
  #status = document.getElementById("polls-status");
  #percent = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 0 });
  #known = new Map();
  #over = false;
  #conversation;

  constructor(facts, conversation) {
    this.#conversation = conversation;
    this.#fill(facts.polls);
  }

  /** A poll as it is now: opened, closed, with its results, or taken away. */
  put(poll) {
    const before = this.#known.get(poll.id)?.data;
    this.#put(poll);
    if (poll.state === "draft") return;
    const words = this.#panel.dataset;
    const isNew = !before && poll.state === "open";
    const hasResults = poll.counts && !before?.counts;
    if (isNew || hasResults) {
      this.#conversation.notify("polls");
      this.#status.textContent = `${hasResults ? words.results : words.new} ${poll.question}`;
    }
  }

  renew(facts) {
    const there = new Set(facts.polls.map((poll) => poll.id));
    for (const id of [...this.#known.keys()]) if (!there.has(id)) this.#remove(id);
    this.#fill(facts.polls);
  }

  /** The latest first, as they come; what is put in goes on top. */
  #fill(polls) {
    for (const poll of [...polls].reverse()) this.#put(poll);
  }

  #put(poll) {
    if (poll.state === "draft") {
      this.#remove(poll.id);
      return;
    }
    let known = this.#known.get(poll.id);
    if (!known) {
      known = { data: { chosen: [] }, element: this.#make(poll) };
      this.#known.set(poll.id, known);
      this.#list.prepend(known.element);
    }
    // Numbers that are not told any more are not shown any more.
    known.data = { chosen: known.data.chosen, ...poll };
    this.#paint(known);
    this.#conversation.offer("polls", true);
  }

  /** Nobody votes once the live is over. */
  setState(state) {
    const over = state === "over";
    if (over === this.#over) return;
    this.#over = over;
    for (const poll of this.#known.values()) this.#paint(poll);
  }

  #remove(id) {
    this.#known.get(id)?.element.remove();
    this.#known.delete(id);
    this.#conversation.offer("polls", this.#known.size > 0);
  }

  #make(poll) {
    const form = this.#template.content.firstElementChild.cloneNode(true);
    form.dataset.pollId = poll.id;
    form.action = `polls/${poll.id}/vote`;
    const legend = slot(form, "question");
    legend.textContent = poll.question || legend.dataset.unnamed;
    poll.choices.forEach((text, position) => slot(form, "choices").append(this.#makeChoice(poll, text, position)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.#vote(poll.id);
    });
    form.addEventListener("change", () => {
      slot(form, "status").textContent = "";
      slot(form, "error").textContent = "";
    });
    return form;
  }

  #makeChoice(poll, text, position) {
    const row = this.#choice.content.firstElementChild.cloneNode(true);
    const input = row.querySelector("input");
    input.type = poll.multiple ? "checkbox" : "radio";
    input.id = `poll-${poll.id}-${position}`;
    input.value = position;
    const label = row.querySelector("label");
    label.htmlFor = input.id;
    label.textContent = text;
    return row;
  }

  #paint({ data, element }) {
    const isOpen = data.state === "open" && !this.#over;
    const votes = isOpen && !data.mirrored;
    element.dataset.state = isOpen ? "open" : "closed";
    for (const [name, shown] of Object.entries({ multiple: data.multiple && votes, mirrored: data.mirrored && isOpen, open: votes, closed: !isOpen })) {
      for (const part of element.querySelectorAll(`[data-for="${name}"]`)) part.hidden = !shown;
    }
    const button = element.querySelector('[type="submit"]');
    button.textContent = data.chosen.length ? button.dataset.change : button.dataset.vote;
    [...element.querySelectorAll(".poll-choice")].forEach((row, position) => this.#paintChoice(row, position, data, votes));
    const voters = slot(element, "voters");
    voters.hidden = !data.counts;
    if (data.counts) voters.textContent = data.voters === 1 ? voters.dataset.one : voters.dataset.many.replace("{count}", data.voters);
  }

  #paintChoice(row, position, data, votes) {
    const input = row.querySelector("input");
    const isMine = data.chosen.includes(position);
    input.hidden = data.mirrored;
    // Not while somebody is choosing.
    if (!input.closest("form").contains(document.activeElement) || !votes) input.checked = isMine;
    input.disabled = !votes;
    const result = row.querySelector(".poll-result");
    result.hidden = !data.counts;
    if (!data.counts) return;
    const count = data.counts[position];
    const percent = data.voters ? Math.round((100 * count) / data.voters) : 0;
    result.querySelector(".poll-bar > span").style.width = `${percent}%`;
    const text = slot(row, "result");
    text.textContent = (count === 1 ? text.dataset.one : text.dataset.many).replace("{count}", this.#percent.format(count)).replace("{percent}", percent);
  }

  async #vote(id) {
    const known = this.#known.get(id);
    const { element } = known;
    const button = element.querySelector('[type="submit"]');
    if (button.getAttribute("aria-busy")) return;
    const chosen = [...element.querySelectorAll("input:checked")].map((input) => ["choice", input.value]);
    button.setAttribute("aria-busy", "true");
    try {
      const answer = await send(element.action, chosen, this.#panel.dataset);
      known.data.chosen = answer.chosen;
      slot(element, "error").textContent = "";
      slot(element, "status").textContent = slot(element, "status").dataset.done;
      button.textContent = button.dataset.change;
    } catch (error) {
      slot(element, "error").textContent = error.message;
    } finally {
      button.removeAttribute("aria-busy");
    }
  }
}
