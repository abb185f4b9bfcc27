// Captions of the live, in step with the picture: a text track of the browser's own, which shows them as its user set it, also in full screen.

import { CaptionsButton } from "./captions_button.js";

/** Characters that are read within a second; faster where more was said meanwhile. */
const READ_PER_S = 15;
const FAST_PER_S = 25;
const SHORTEST_S = 1.2;
const LONGEST_S = 7;
/** What was said longer ago is not shown any more, as after a break of the connection. */
const STALE_S = 20;
/** The player's time begins anew when the picture is read anew. */
const SAME_S = 0.5;
const KEPT = 40;

const toRead = (text, perS) => Math.min(Math.max(text.length / perS, SHORTEST_S), LONGEST_S);
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

export class Captions {
  #video;
  #player;
  #button;
  #language = "";
  #track = null;
  /** What was told lately, and what stands in the track, by id. */
  #told = new Map();
  #cues = new Map();
  #last = "";
  /** From when on, in the player's time, the last one has been there long enough to be read. */
  #free = 0;
  #shift = NaN;

  /** @param {{playing: boolean, playingDate: Date | null}} player what tells which moment is on the screen */
  constructor(video, player, button, stage) {
    this.#video = video;
    this.#player = player;
    this.#button = new CaptionsButton(button, stage);
    player.addEventListener("playing", ({ detail }) => {
      if (detail) this.#again();
    });
  }

  /** In which language captions come, or that none come. */
  follow({ language }) {
    if (language === this.#language) return;
    this.#language = language;
    this.#clear();
    this.#track = language ? this.#video.addTextTrack("captions", new Intl.DisplayNames(document.documentElement.lang, { type: "language" }).of(language), language) : null;
    this.#button.track = this.#track;
  }

  /** A caption; one that is told again is as it is now, and gone without a text. */
  put(told) {
    this.#told.delete(told.id);
    if (told.text) this.#told.set(told.id, told);
    if (this.#told.size > KEPT) this.#told.delete(this.#told.keys().next().value);
    this.#place(told);
  }

  /** From the clock of the live to the player's time, in seconds; NaN when it does not say. */
  #shiftNow() {
    return this.#video.currentTime - (this.#player.playingDate?.getTime() ?? NaN) / 1000;
  }

  #clear() {
    for (const cue of this.#cues.values()) this.#track?.removeCue(cue);
    this.#cues.clear();
    this.#last = "";
    this.#free = 0;
  }

  /** The picture plays: another than before has a time of its own. */
  #again() {
    const shift = this.#shiftNow();
    const isSame = Math.abs(shift - this.#shift) < SAME_S;
    this.#shift = shift;
    if (!isSame) this.#clear();
    for (const told of this.#told.values()) {
      if (!this.#cues.has(told.id) && Date.parse(told.until) / 1000 + shift > this.#video.currentTime) this.#place(told);
    }
  }

  #place({ id, at, until, text }) {
    const known = this.#cues.get(id);
    if (known) this.#track.removeCue(known);
    this.#cues.delete(id);
    const now = this.#video.currentTime;
    let shift = this.#shiftNow();
    if (!this.#track || !text || !(this.#player.playing || shift)) return;
    // A live server that tells no times: at once.
    if (Number.isNaN(shift)) shift = now - Date.parse(at) / 1000;
    this.#shift = shift;
    const [from, to] = [at, until].map((moment) => Date.parse(moment) / 1000 + shift);
    if (!known && to < now - STALE_S) return;
    let start = known?.startTime;
    let end = known?.endTime;
    if (!known) {
      start = Math.max(from, now, this.#free);
      end = start + Math.max(to - from, toRead(text, READ_PER_S));
      const last = this.#cues.get(this.#last);
      if (last?.endTime > start && last.startTime < start) last.endTime = start;
      this.#last = id;
    } else if (id === this.#last) end = Math.max(end, to, now + toRead(text, READ_PER_S) / 2);
    if (id === this.#last) this.#free = start + toRead(text, FAST_PER_S);
    const cue = new VTTCue(start, end, escaped(text));
    this.#track.addCue(cue);
    this.#cues.set(id, cue);
    this.#forget(now);
  }

  /** What was shown long ago. */
  #forget(now) {
    for (const [id, cue] of this.#cues) {
      if (this.#cues.size <= KEPT) return;
      if (cue.endTime > now) continue;
      this.#track.removeCue(cue);
      this.#cues.delete(id);
    }
  }
}
