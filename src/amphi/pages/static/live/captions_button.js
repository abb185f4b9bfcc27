// The button of the captions. What was chosen is remembered.

import { keep, kept } from "./kept.js";

const KEPT_AS = "amphi captions";

export class CaptionsButton {
  #button;
  #track = null;
  #wanted = kept(KEPT_AS) === "yes";

  /** The key C does the same while the focus is in `stage`, but for where one types. */
  constructor(button, stage) {
    this.#button = button;
    button.addEventListener("click", () => this.#toggle());
    stage.addEventListener("keydown", (event) => {
      const { key, target, ctrlKey, metaKey, altKey } = event;
      if (key.toLowerCase() !== "c" || ctrlKey || metaKey || altKey || button.hidden || target.closest("input, select, textarea")) return;
      event.preventDefault();
      this.#toggle();
    });
  }

  /** The track that it is for; null where there are no captions. */
  set track(track) {
    if (this.#track) this.#track.mode = "disabled";
    this.#track = track;
    this.#button.hidden = !track;
    this.#show();
  }

  #toggle() {
    this.#wanted = !this.#wanted;
    keep(KEPT_AS, this.#wanted ? "yes" : "");
    this.#show();
  }

  #show() {
    this.#button.setAttribute("aria-pressed", String(this.#wanted));
    if (this.#track) this.#track.mode = this.#wanted ? "showing" : "disabled";
  }
}
