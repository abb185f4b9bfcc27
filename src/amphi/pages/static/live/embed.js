// The live in a page of another site. Browsers give it no cookies there, and nothing is fetched or counted before somebody presses play.

import { AudienceStream } from "../audience/stream.js";
import { Afterwards } from "./afterwards.js";
import { keep, kept } from "./kept.js";
import { report } from "./reports.js";
import { Stage } from "./stage.js";

const KEPT_AS = "amphi viewer";
const TIMEOUT_MS = 8000;
const BROKEN_MS = 4000;

const byId = (id) => document.getElementById(id);
const given = JSON.parse(byId("live-data").textContent);

/** The facts for the viewer that this browser was on its last visit, so that it counts once: by a cookie, or else by what the page keeps. */
async function recognised() {
  const viewer = kept(KEPT_AS);
  if (given.remembered || !viewer) return given;
  try {
    const answer = await fetch(`${given.state_url}?viewer=${encodeURIComponent(viewer)}`, {
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return answer.ok ? { ...given, ...(await answer.json()) } : given;
  } catch {
    return given;
  }
}

const facts = await recognised();
// In a course the viewer is a person, whom the page knows by itself.
if (facts.viewer) keep(KEPT_AS, facts.viewer);
const stage = new Stage(facts, { asleep: true });
// There is no conversation here that could be taken away.
const afterwards = new Afterwards(facts, { conceal() {} });
let stream = null;
let brokenTimer = null;

/** Follows the live; `aside` is for a page in which nobody watches yet. */
function listen({ aside }) {
  stream?.close();
  const mark = aside ? "&aside=1" : "";
  stream = new AudienceStream({
    ...facts,
    events_url: facts.events_url + mark,
    state_url: `${given.state_url}?viewer=${facts.viewer ?? ""}${mark}`,
  });
  stream.addEventListener("state", ({ detail }) => follow(detail));
  stream.addEventListener("caption", ({ detail }) => stage.captions.put(detail));
  stream.addEventListener("captions", ({ detail }) => stage.captions.follow(detail));
  stream.addEventListener("after", ({ detail }) => afterwards.follow(detail));
  stream.addEventListener("refreshed", ({ detail }) => {
    facts.reports_url = detail.reports_url;
    stage.renew(detail);
    afterwards.follow(detail.after);
  });
  stream.addEventListener("connection", ({ detail: up }) => {
    const line = byId("broken").firstElementChild;
    clearTimeout(brokenTimer);
    if (up) line.hidden = true;
    else brokenTimer = setTimeout(() => { line.hidden = false; }, BROKEN_MS);
  });
  stream.open();
}

function follow(next) {
  if (stage.follow(next)) stream.moved();
}

stage.addEventListener("state", ({ detail }) => afterwards.setState(detail));
byId("watch").addEventListener("click", () => {
  listen({ aside: false });
  stage.wake();
});
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

follow(facts);
listen({ aside: true });
report(stage.player, () => facts.reports_url);
