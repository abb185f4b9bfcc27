// The captions of a replay: over its picture, and as a text to read and search.

import { CaptionsButton } from "./captions_button.js";
import { clock } from "./replay_player.js";

const byId = (id) => document.getElementById(id);

/** A text to compare with: without case and accents. */
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export class ReplayCaptions {
  #url;
  #element = byId("captions-track");
  #go;
  #said = "";

  /** @param go takes the player to a place, in seconds */
  constructor(url, go) {
    this.#url = url;
    this.#go = go;
    new CaptionsButton(byId("captions"), byId("stage")).track = this.#element.track;
    byId("transcript").addEventListener("toggle", () => this.#read());
    byId("transcript-search").addEventListener("input", () => this.#search());
  }

  /** More was said. */
  renew() {
    this.#element.src = `${this.#url}?n=${Date.now()}`;
    this.#read();
  }

  async #read() {
    if (!byId("transcript").open) return;
    const answer = await fetch(this.#url).catch(() => null);
    const said = answer?.ok ? await answer.text() : this.#said;
    if (said === this.#said) return;
    this.#said = said;
    byId("transcript-list").replaceChildren(...said.split("\n\n").slice(1).map((block) => this.#line(block)));
    this.#search();
  }

  #line(block) {
    const [times, text] = block.split("\n");
    const [hours, minutes, seconds] = times.split(" ")[0].split(":").map(Number);
    const place = hours * 3600 + minutes * 60 + seconds;
    const line = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "place";
    button.textContent = clock(place);
    button.setAttribute("aria-label", byId("transcript").dataset.go.replace("{time}", clock(place)));
    button.addEventListener("click", () => this.#go(place));
    line.append(button, ` ${text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&")}`);
    return line;
  }

  #search() {
    const wanted = folded(byId("transcript-search").value.trim());
    const lines = [...byId("transcript-list").children];
    for (const line of lines) line.hidden = !folded(line.textContent).includes(wanted);
    const status = byId("transcript-status");
    status.textContent = wanted ? status.dataset.found.replace("{count}", lines.filter((line) => !line.hidden).length) : "";
  }
}
