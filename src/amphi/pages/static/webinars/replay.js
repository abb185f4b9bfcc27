// Preparing a replay: “Here” writes the moment that is on the screen, by the clock of the day, into a field.

import { ReplayPlayer } from "../live/replay_player.js";

const facts = JSON.parse(document.getElementById("replay-data").textContent);
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: facts.zone });
const player = new ReplayPlayer(document.getElementById("video"), facts.url, facts.spans);

for (const button of document.querySelectorAll("[data-here]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.here);
    field.value = clock.format(new Date(player.moment));
    field.focus();
  });
}
