// A replay: its picture, and along its time line what was said, asked and voted.

import { Conversation } from "../audience/conversation.js";
import { ReplayCaptions } from "./replay_captions.js";
import { ReplayPlayer, clock } from "./replay_player.js";
import { Said } from "./replay_said.js";

/** As 90, 1m30s or 1h02m03s. */
const PLACE = /^(?:(\d+)|(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?)$/;

/** While the live runs. */
const SAID_EVERY_MS = 20000;

const byId = (id) => document.getElementById(id);
const facts = JSON.parse(byId("replay-data").textContent);
const stage = byId("stage");
const video = byId("video");
const player = new ReplayPlayer(video, facts.url, facts.spans);
const chapters = [...document.querySelectorAll("#chapters button")];
const said = new Said(new Conversation(), (seconds) => go(seconds));

function go(seconds) {
  player.go(seconds);
  video.play().catch(() => {
    // The browser wants a press on the picture first.
  });
  stage.scrollIntoView({ block: "nearest" });
}

/** Where the address says that it should begin, in seconds. */
function wanted() {
  const found = PLACE.exec(new URLSearchParams(location.search).get("t") ?? "");
  if (!found) return 0;
  const [plain, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
  return plain + hours * 3600 + minutes * 60 + seconds;
}

function follow() {
  said.show(video.currentTime);
  const now = chapters.findLast((one) => Number(one.dataset.place) <= video.currentTime + 0.1);
  for (const one of chapters) {
    if (one === now) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  }
  const address = new URL(location.href);
  address.searchParams.set("t", String(Math.floor(video.currentTime)));
  byId("share").dataset.copy = address.href;
}

for (const one of chapters) {
  one.querySelector(".chapter-at").textContent = clock(Number(one.dataset.place));
  one.addEventListener("click", () => go(Number(one.dataset.place)));
}
player.addEventListener("broken", () => {
  stage.dataset.picture = "no";
  stage.dataset.state = "broken";
  byId("stage-panel").hidden = false;
});
video.addEventListener("loadedmetadata", () => {
  if (wanted()) player.go(wanted());
}, { once: true });
video.addEventListener("timeupdate", follow);
video.addEventListener("ended", () => { stage.dataset.ended = "yes"; });
const captions = facts.captions_url ? new ReplayCaptions(facts.captions_url, go) : null;
const load = () => said.load(facts.said_url).then(follow);
load();
if (facts.grows) {
  setInterval(() => {
    load();
    captions?.renew();
  }, SAID_EVERY_MS);
}
