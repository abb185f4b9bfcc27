// What was said during a live, as it appears again: messages as the picture reaches them, questions and polls with where they came.

import { messageElement } from "../audience/message.js";
import { clock } from "./replay_player.js";

/** Messages that stand in the page at once. */
const SHOWN = 300;
const NEAR_END_PX = 60;

const byId = (id) => document.getElementById(id);

function paragraph(className, text) {
  const element = document.createElement("p");
  element.className = className;
  element.textContent = text;
  return element;
}

export class Said {
  #conversation;
  #go;
  #log = byId("chat-log");
  #words = byId("chat").dataset;
  #time = { format: () => "" };
  #messages = [];
  /** The messages that stand in the page: from the first number up to, and without, the second. */
  #from = 0;
  #to = 0;

  /** @param {(seconds: number) => void} go takes the picture to a place */
  constructor(conversation, go) {
    this.#conversation = conversation;
    this.#go = go;
  }

  /** Asks what there is. Without an answer the picture plays alone. */
  async load(url) {
    const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok) return;
    const { messages, questions, polls } = await answer.json();
    this.#messages = messages;
    byId("questions-list").replaceChildren(...questions.map((one) => this.#question(one)));
    byId("polls-list").replaceChildren(...[...polls].sort((a, b) => a.place - b.place).map((one) => this.#poll(one)));
    this.#conversation.offer("chat", messages.length > 0);
    this.#conversation.offer("questions", questions.length > 0);
    this.#conversation.offer("polls", polls.length > 0);
  }

  /** Shows the messages up to a place, in seconds. */
  show(seconds) {
    const to = this.#count(seconds);
    if (to === this.#to) return;
    const atEnd = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR_END_PX;
    const from = Math.max(0, to - SHOWN);
    if (to < this.#to || from >= this.#to) this.#log.replaceChildren(byId("chat-empty"));
    else for (let number = this.#from; number < from; number += 1) this.#log.querySelector(".chat-message")?.remove();
    const first = to < this.#to || from >= this.#to ? from : this.#to;
    this.#log.append(...this.#messages.slice(first, to).map((message) => this.#message(message)));
    byId("chat-empty").hidden = to > 0;
    this.#from = from;
    this.#to = to;
    if (atEnd) this.#log.scrollTop = this.#log.scrollHeight;
    this.#conversation.notify("chat");
  }

  #count(seconds) {
    let low = 0;
    let high = this.#messages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#messages[middle].place <= seconds) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #place(seconds, label = clock(seconds)) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "place";
    button.textContent = label;
    button.title = this.#words.go.replace("{time}", clock(seconds));
    button.addEventListener("click", () => this.#go(seconds));
    return button;
  }

  #message(message) {
    const element = messageElement(message, this.#words, this.#time, "");
    element.querySelector("time").replaceWith(this.#place(message.place));
    return element;
  }

  #question(question) {
    const words = byId("questions").dataset;
    const element = document.createElement("li");
    element.className = "question";
    const body = document.createElement("div");
    body.className = "question-body";
    const author = document.createElement("strong");
    author.textContent = question.author ? `${question.author}${question.guest ? ` (${words.guest})` : ""}` : words.anonymous;
    const votes = question.votes === 1 ? words.oneVote : words.manyVotes.replace("{count}", question.votes);
    const by = paragraph("question-by", "");
    by.append(this.#place(question.place), author, votes);
    body.append(by, paragraph("question-text", question.text));
    if (question.answer) body.append(paragraph("question-answer", question.answer));
    if (Number.isFinite(question.answered)) {
      body.append(this.#place(question.answered, words.answer.replace("{time}", clock(question.answered))));
    }
    element.append(body);
    return element;
  }

  #poll(poll) {
    const words = byId("polls").dataset;
    const element = document.createElement("section");
    element.className = "poll";
    const title = document.createElement("h3");
    title.textContent = poll.question || words.unnamed;
    const list = document.createElement("ul");
    poll.choices.forEach((text, position) => {
      const row = document.createElement("li");
      row.append(text);
      if (poll.counts) row.append(this.#result(poll, position, words));
      list.append(row);
    });
    element.append(this.#place(poll.place), title, list);
    return element;
  }

  #result(poll, position, words) {
    const count = poll.counts[position];
    const percent = poll.voters ? Math.round((100 * count) / poll.voters) : 0;
    const result = document.createElement("div");
    result.className = "poll-result";
    const bar = document.createElement("div");
    bar.className = "poll-bar";
    bar.setAttribute("aria-hidden", "true");
    const filled = document.createElement("span");
    filled.style.width = `${percent}%`;
    bar.append(filled);
    result.append(bar, (count === 1 ? words.one : words.many).replace("{count}", count).replace("{percent}", percent));
    return result;
  }
}
