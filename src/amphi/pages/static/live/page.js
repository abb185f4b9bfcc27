// The live page: follows the live, never the planned clock.

import { AudienceStream } from "../audience/stream.js";
import { Chat } from "../audience/chat.js";
import { Conversation } from "../audience/conversation.js";
import { Hand } from "../audience/hand.js";
import { InStep } from "../audience/in_step.js";
import { Polls } from "../audience/polls.js";
import { Questions } from "../audience/questions.js";
import { Reactions } from "../audience/reactions.js";
import { Afterwards } from "./afterwards.js";
import { report } from "./reports.js";
import { Stage } from "./stage.js";

const byId = (id) => document.getElementById(id);
const facts = JSON.parse(byId("live-data").textContent);
const stage = new Stage(facts);
const conversation = new Conversation();
const chat = new Chat(facts, conversation);
const questions = new Questions(facts.voices, conversation);
const polls = new Polls(facts.voices, conversation);
const reactions = new Reactions(facts, Date.parse(facts.now) - Date.now());
const hand = new Hand(facts.voices);
const afterwards = new Afterwards(facts, conversation);
let allowed = facts.voices;
const inStep = new InStep(stage.player);
const stream = new AudienceStream(facts);

stage.addEventListener("state", ({ detail: state }) => {
  for (const part of [chat, questions, polls, hand, afterwards]) part.setState(state);
  allow(allowed);
});

function follow(next) {
  if (stage.follow(next)) stream.moved();
}

/** What the presenters allow besides writing; reactions and hands are for a live that runs. */
function allow(next) {
  allowed = next;
  const onAir = ["starting", "live", "recovering"].includes(stage.state);
  byId("voices-bar").hidden = !onAir || !(next.reactions || next.hands);
  byId("reactions").hidden = !next.reactions;
  if (byId("hand")) byId("hand").hidden = !next.hands;
  questions.allow(next);
}

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
stream.addEventListener("listeners", ({ detail }) => {
  const count = detail.about.toLocaleString(document.documentElement.lang);
  for (const crowd of document.querySelectorAll("[data-crowd]")) {
    crowd.hidden = !detail.about;
    crowd.lastElementChild.textContent = crowd.dataset.words.replace("{count}", count);
  }
});
stream.addEventListener("caption", ({ detail }) => stage.captions.put(detail));
stream.addEventListener("captions", ({ detail }) => stage.captions.follow(detail));
stream.addEventListener("after", ({ detail }) => afterwards.follow(detail));
stream.addEventListener("voices", ({ detail }) => allow(detail));
stream.addEventListener("refreshed", ({ detail }) => {
  facts.reports_url = detail.reports_url;
  stage.renew(detail);
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
stream.open();
report(stage.player, () => facts.reports_url);
