// The tabs of the conversation, by the pattern of WAI-ARIA: discussion, questions, polls. A panel without anything to show has no tab, and
// a single one needs none.

/** Dispatches `shown` with the name of the panel that is shown now. */
export class Conversation extends EventTarget {
  #root = document.getElementById("conversation");
  #list = this.#root.querySelector('[role="tablist"]');
  #toggle = document.getElementById("chat-toggle");
  /** By name, in the order of the tabs: `{ tab, panel, offered }`. */
  #parts = new Map();
  #selected = "";
  #open = true;
  #concealed = false;

  constructor() {
    super();
    for (const tab of this.#list.querySelectorAll('[role="tab"]')) {
      const panel = document.getElementById(tab.getAttribute("aria-controls"));
      this.#parts.set(panel.dataset.panel, { tab, panel, offered: !panel.hidden });
      tab.addEventListener("click", () => this.show(panel.dataset.panel));
    }
    this.#list.addEventListener("keydown", (event) => this.#press(event));
    this.#toggle.addEventListener("click", () => this.open(!this.#open));
    this.#paint();
  }

  /** Whether a panel has something to show: its feature is on, or was. */
  offer(name, offered) {
    const part = this.#parts.get(name);
    if (part.offered === offered) return;
    part.offered = offered;
    this.#paint();
  }

  /** Brings a panel to the front. */
  show(name) {
    this.#selected = name;
    this.#paint();
  }

  /** Whether the listener sees a panel now. */
  isShown(name) {
    return this.#open && this.#selected === name && !document.hidden;
  }

  /** Something new is in a panel: its tab has a dot until it is looked at. */
  notify(name) {
    if (this.#selected !== name) this.#mark(name, true);
  }

  /** Shows or hides the whole conversation. */
  open(open) {
    this.#open = open;
    this.#paint();
  }

  /** Takes all of it away, also its button: it may no longer be read. */
  conceal(concealed) {
    if (this.#concealed === concealed) return;
    this.#concealed = concealed;
    this.#paint();
  }

  get #offered() {
    if (this.#concealed) return [];
    return [...this.#parts.keys()].filter((name) => this.#parts.get(name).offered);
  }

  #mark(name, unread) {
    this.#parts.get(name).tab.querySelector("[data-unread]").hidden = !unread;
  }

  #paint() {
    const offered = this.#offered;
    if (!offered.includes(this.#selected)) this.#selected = offered[0] ?? "";
    const single = offered.length < 2;
    this.#list.hidden = single;
    for (const [name, { tab, panel, offered: isOffered }] of this.#parts) {
      const selected = name === this.#selected;
      tab.hidden = !isOffered;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      panel.hidden = !selected;
      panel.toggleAttribute("data-alone", single);
      if (single) ["role", "aria-labelledby"].forEach((attribute) => panel.removeAttribute(attribute));
      else {
        panel.setAttribute("role", "tabpanel");
        panel.setAttribute("aria-labelledby", tab.id);
      }
    }
    this.#root.hidden = !this.#open || !offered.length;
    this.#toggle.hidden = !offered.length;
    this.#toggle.setAttribute("aria-expanded", String(this.#open));
    this.#toggle.querySelector("[data-open]").hidden = !this.#open;
    this.#toggle.querySelector("[data-closed]").hidden = this.#open;
    if (!this.#selected || !this.#open) return;
    this.#mark(this.#selected, false);
    this.dispatchEvent(new CustomEvent("shown", { detail: this.#selected }));
  }

  #press(event) {
    const names = this.#offered;
    const last = names.length - 1;
    const at = names.indexOf(this.#selected);
    const next = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at ? at - 1 : last, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.show(names[next]);
    this.#parts.get(names[next]).tab.focus();
  }
}
