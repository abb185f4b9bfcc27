// The notice goes when it is accepted; the waiting page enters as soon as the meeting runs.
const POLL_MS = 2000;

document.getElementById("okcookie")?.addEventListener("click", () => {
  document.getElementById("notice").hidden = true;
});

const waiting = document.getElementById("waiting");
if (waiting) {
  const look = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(15000) });
      if (answer.ok && (await answer.json()).running) {
        waiting.submit();
        return;
      }
    } catch {
      // The server is out of reach for a moment: look again.
    }
    setTimeout(look, POLL_MS);
  };
  setTimeout(look, POLL_MS);
}
