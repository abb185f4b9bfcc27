// The waiting room: asks now and then whether the meeting has begun, and goes in.
const room = document.querySelector("[data-waiting]");
const every_ms = Number(room.dataset.everyS) * 1000;

async function look() {
  try {
    const answer = await fetch(location.pathname, {
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(10_000),
    });
    if (answer.ok && (await answer.json()).running) {
      location.replace(location.pathname);
      return;
    }
    if (answer.status === 401 || answer.status === 403 || answer.status === 404) {
      location.replace(location.pathname);
      return;
    }
  } catch {
    // The network was away for a moment: the next look tells.
  }
  wait();
}

// Not all at the same moment, when many wait.
function wait() {
  setTimeout(look, every_ms * (0.75 + Math.random() / 2));
}

wait();
