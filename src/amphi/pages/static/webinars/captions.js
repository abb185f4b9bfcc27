// Correcting captions: Enter goes to the next line, a time plays the recording from there.

const lines = [...document.querySelectorAll("#lines input:not([type=hidden])")];
for (const [number, line] of lines.entries()) {
  line.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    (lines[number + 1] ?? document.querySelector("#lines [type=submit]")).focus();
  });
}

const facts = document.getElementById("replay-data");
if (facts) {
  const { ReplayPlayer } = await import("../live/replay_player.js");
  const video = document.getElementById("video");
  const { url, spans } = JSON.parse(facts.textContent);
  const player = new ReplayPlayer(video, url, spans);
  for (const button of document.querySelectorAll("#lines [data-place]")) {
    button.addEventListener("click", () => {
      player.go(Number(button.dataset.place));
      video.play().catch(() => {
        // The browser wants a press on the picture first.
      });
    });
  }
}
