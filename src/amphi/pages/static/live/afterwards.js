// What the presenters chose for after the live: their words, a survey, the conversation to read or not.

const byId = (id) => document.getElementById(id);

export class Afterwards {
  #conversation;
  #chosen;
  #isOver = false;

  constructor(facts, conversation) {
    this.#conversation = conversation;
    this.follow(facts.after);
  }

  setState(state) {
    this.#isOver = state === "over";
    this.#conversation.conceal(this.#isOver && !this.#chosen.conversation);
  }

  follow(chosen) {
    this.#chosen = chosen;
    const words = byId("after-text");
    words.textContent = chosen.text || words.dataset.usual;
    const link = byId("after-survey");
    link.hidden = !chosen.survey;
    if (chosen.survey) {
      link.href = chosen.survey.url;
      byId("after-host").textContent = chosen.survey.host;
    } else link.removeAttribute("href");
    this.#conversation.conceal(this.#isOver && !chosen.conversation);
  }
}
