// The live page: follows the live, never the planned clock.

import { setLanguage } from "../vendor/media-chrome/utils/i18n.js";
import "../vendor/media-chrome/lang/fr.js";
import { AudienceStream } from "../audience/stream.js";
import { Chat } from "../audience/chat.js";
import { Conversation } from "../audience/conversation.js";
import { Hand } from "../audience/hand.js";
import { InStep } from "../audience/in_step.js";
import { Polls } from "../audience/polls.js";
import { Questions } from "../audience/questions.js";
import { Reactions } from "../audience/reactions.js";
import { Afterwards } from "./afterwards.js";
import { Player } from "./player.js";
import { report } from "./reports.js";

const language = document.documentElement.lang;
setLanguage(language);
// After the language is known, since the controls read it when they are made.
for (const name of ["controller", "control-bar", "play-button", "mute-button", "volume-range", "loading-indicator", "pip-button", "fullscreen-button"]) {
  import(`../vendor/media-chrome/media-${name}.js`).catch(() => {
    // Without ours, the browser's own controls.
    document.getElementById("video").controls = true;
  });
}

const byId = (id) => document.getElementById(id);
const facts = JSON.parse(byId("live-data").textContent);
const clockSkewMs = Date.parse(facts.now) - Date.now();
const stage = byId("stage");
const video = byId("video");
const conversation = new Conversation();
const chat = new Chat(facts, conversation);
const questions = new Questions(facts.voices, conversation);
const polls = new Polls(facts.voices, conversation);
const reactions = new Reactions(facts, clockSkewMs);
const hand = new Hand(facts.voices);
const afterwards = new Afterwards(facts, conversation);
let allowed = facts.voices;
const player = new Player(video);
const inStep = new InStep(player);
const stream = new AudienceStream(facts);
let state = "";
let moving = false;
/** The picture moved, and its new address is being asked for: what is said of the state meanwhile attaches to nothing. */
let elsewhere = false;
let startsAt = facts.starts_at;
let silenced = false;

/** What the stage shows: the picture when it moves or is paused, else words for the state. */
function paint() {
  const picture = state === "live" || state === "recovering" ? player.playing || (video.readyState > 2 && video.paused && state === "live") : false;
  stage.dataset.state = state;
  stage.dataset.picture = picture ? "yes" : "no";
  byId("stage-panel").hidden = picture;
  byId("badges").dataset.state = state;
  byId("sound").hidden = !(picture && silenced);
}

function announce() {
  const panel = stage.querySelector(`.stage-say[data-for="${state}"] h2`);
  byId("stage-status").textContent = panel?.textContent ?? "";
}

/** The picture comes from elsewhere now: lets go of the old one; the next word on the state attaches to the new one. */
function leave() {
  moving = true;
  player.detach();
}

function follow(next) {
  if (next.starts_at) startsAt = next.starts_at;
  if (next.stream && next.stream !== facts.stream) {
    facts.stream = next.stream;
    elsewhere = true;
    leave();
    stream.moved();
    return;
  }
  if (next.state && (moving || next.state !== state)) {
    moving = elsewhere;
    state = next.state;
    document.documentElement.dataset.liveState = state;
    chat.setState(state);
    questions.setState(state);
    hand.setState(state);
    afterwards.setState(state);
    allow(allowed);
    if (!elsewhere && (state === "live" || state === "recovering")) player.attach(facts.hls_url);
    else player.detach();
    announce();
  }
  countDown();
  paint();
}

/** What the presenters allow besides writing; reactions and hands are for a live that runs. */
function allow(next) {
  allowed = next;
  const onAir = ["starting", "live", "recovering"].includes(state);
  byId("voices-bar").hidden = !onAir || !(next.reactions || next.hands);
  byId("reactions").hidden = !next.reactions;
  if (byId("hand")) byId("hand").hidden = !next.hands;
  questions.allow(next);
}

function countDown() {
  const line = byId("countdown");
  const leftS = Math.round((Date.parse(startsAt) - Date.now() - clockSkewMs) / 1000);
  line.hidden = state !== "waiting" || leftS <= 0;
  if (line.hidden) return;
  if (leftS >= 3600 && leftS < 172800) {
    const minutes = Math.round(leftS / 60);
    line.textContent = line.dataset.hours.replace("{hours}", Math.floor(minutes / 60)).replace("{minutes}", String(minutes % 60).padStart(2, "0"));
    return;
  }
  const words = new Intl.RelativeTimeFormat(language, { numeric: "always" });
  const [size, unit] = leftS >= 172800 ? [86400, "day"] : leftS >= 120 ? [60, "minute"] : [1, "second"];
  line.textContent = words.format(Math.round(leftS / size), unit);
}

function showDelay() {
  const delay = player.latency;
  const known = Number.isFinite(delay) && delay >= 0;
  byId("delay").hidden = !known;
  byId("to-live").hidden = !(known && player.behind > 4);
  if (!known) {
    delete video.dataset.latency;
    return;
  }
  video.dataset.latency = delay.toFixed(2);
  byId("delay-value").textContent = new Intl.NumberFormat(language, { style: "unit", unit: "second", maximumFractionDigits: 1 }).format(delay);
}

player.addEventListener("playing", paint);
player.addEventListener("muted", () => {
  silenced = true;
  paint();
});
player.addEventListener("unsupported", () => {
  stage.dataset.unsupported = "yes";
});
video.addEventListener("pause", paint);
video.addEventListener("volumechange", () => {
  if (!video.muted && video.volume > 0) silenced = false;
  paint();
});
byId("sound").addEventListener("click", () => player.unmute());
byId("to-live").addEventListener("click", () => player.toLive());

stream.addEventListener("state", ({ detail }) => follow(detail));
stream.addEventListener("chat", ({ detail }) => chat.follow(detail));
stream.addEventListener("message", ({ detail }) => {
  // Robots measure how fast it came, not how far behind the picture is.
  document.dispatchEvent(new CustomEvent("amphi:message", { detail }));
  // What listeners say is no part of the picture.
  if (detail.role === "presenter") inStep.hold(detail.at, () => chat.add(detail));
  else chat.add(detail);
});
stream.addEventListener("hidden", ({ detail }) => chat.hide(detail));
stream.addEventListener("reacted", ({ detail }) => chat.react(detail));
stream.addEventListener("pin", ({ detail }) => inStep.hold(detail.at, () => chat.pin(detail.message)));
stream.addEventListener("delivery", ({ detail }) => chat.mark(detail));
stream.addEventListener("question", ({ detail }) => questions.put(detail));
stream.addEventListener("votes", ({ detail }) => questions.count(detail));
stream.addEventListener("poll", ({ detail }) => inStep.hold(detail.at, () => polls.put(detail)));
stream.addEventListener("reactions", ({ detail }) => reactions.show(detail));
stream.addEventListener("hands", ({ detail }) => hand.follow(detail));
stream.addEventListener("after", ({ detail }) => afterwards.follow(detail));
stream.addEventListener("voices", ({ detail }) => allow(detail));
stream.addEventListener("refreshed", ({ detail }) => {
  // It moved while the page heard nothing.
  if (detail.stream !== facts.stream) leave();
  facts.hls_url = detail.hls_url;
  facts.stream = detail.stream;
  facts.reports_url = detail.reports_url;
  player.renew(detail.hls_url);
  if (elsewhere) {
    elsewhere = false;
    follow({ state });
  }
  chat.renew(detail);
  questions.renew(detail.voices);
  polls.renew(detail.voices);
  hand.renew(detail.voices);
  reactions.renew(detail);
  allow(detail.voices);
  afterwards.follow(detail.after);
});

// A break of a moment is not worth a word.
let brokenTimer = null;
stream.addEventListener("connection", ({ detail: up }) => {
  const line = byId("broken").firstElementChild;
  clearTimeout(brokenTimer);
  if (up) line.hidden = true;
  else brokenTimer = setTimeout(() => { line.hidden = false; }, 4000);
});
addEventListener("pagehide", () => stream.close());
// A page that the browser kept and shows again listens again.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

follow(facts);
setInterval(() => { countDown(); showDelay(); }, 1000);
stream.open();
report(player, () => facts.reports_url);
