// The test before the live: three notes, a moving picture and a look at the network. All of it is made here; no file comes from elsewhere.

const TIMEOUT_MS = 8000;
const SLOW_MS = 2500;
const SHOWN_MS = 12_000;
const NOTES = [523.25, 659.25, 783.99];

const box = document.querySelector("[data-check]");
const facts = JSON.parse(document.getElementById("live-data").textContent);

function tell(what, outcome) {
  box.querySelector(`[data-result="${what}"]`).dataset.outcome = outcome;
}

/** Three notes, half a second each. Whether somebody hears them, only they know. */
async function testSound() {
  const Context = window.AudioContext;
  if (!Context) return "bad";
  const context = new Context();
  try {
    await Promise.race([context.resume(), new Promise((done) => { setTimeout(done, 1000); })]);
    if (context.state !== "running") return "bad";
    NOTES.forEach((frequency, index) => {
      const from = context.currentTime + index * 0.5;
      const note = new OscillatorNode(context, { frequency });
      const volume = new GainNode(context, { gain: 0 });
      volume.gain.setValueAtTime(0, from);
      volume.gain.linearRampToValueAtTime(0.25, from + 0.03);
      volume.gain.linearRampToValueAtTime(0, from + 0.48);
      note.connect(volume).connect(context.destination);
      note.start(from);
      note.stop(from + 0.5);
    });
    return "ok";
  } finally {
    setTimeout(() => context.close(), 2500);
  }
}

/** A ball on its way, with the seconds; calmer where less motion is wanted. */
function showPicture(canvas) {
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0.25 : 1;
  const from = performance.now();
  function draw(now) {
    const s = (now - from) / 1000;
    pen.fillStyle = "#073439";
    pen.fillRect(0, 0, width, height);
    pen.fillStyle = "#f2b94b";
    pen.beginPath();
    pen.arc(width / 2 + Math.cos(s * 2 * calm) * width * 0.35, height / 2 + Math.sin(s * 3 * calm) * height * 0.3, 22, 0, Math.PI * 2);
    pen.fill();
    pen.fillStyle = "#fff";
    pen.font = "600 30px system-ui, sans-serif";
    pen.fillText(`${s.toFixed(1)} s`, 20, height - 20);
    if (now - from < SHOWN_MS) requestAnimationFrame(draw);
  }
  requestAnimationFrame(draw);
}

/** Whether the live can be played: by Media Source Extensions, or by the browser itself. */
function testPicture(canvas) {
  showPicture(canvas);
  const source = window.ManagedMediaSource ?? window.MediaSource;
  const extensions = source?.isTypeSupported('video/mp4; codecs="avc1.42E01E,mp4a.40.2"') ?? false;
  const native = document.createElement("video").canPlayType("application/vnd.apple.mpegurl") !== "";
  return extensions || native ? "ok" : "bad";
}

async function testNetwork() {
  const from = performance.now();
  try {
    const answer = await fetch(box.dataset.probe, { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!answer.ok) return "bad";
    await answer.arrayBuffer();
  } catch {
    return "bad";
  }
  return performance.now() - from > SLOW_MS ? "slow" : "ok";
}

/** The stream of news gives its first words, and the picture's server answers, whatever it says before the live. */
async function testStream() {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), TIMEOUT_MS);
  try {
    const news = await fetch(facts.events_url, { headers: { Accept: "text/event-stream" }, signal: stop.signal });
    if (!news.ok) return "bad";
    await news.body.getReader().read();
    await fetch(facts.hls_url, { mode: "no-cors", cache: "no-store", signal: stop.signal });
    return "ok";
  } catch {
    return "bad";
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

async function run(button) {
  button.disabled = true;
  for (const line of box.querySelectorAll("[data-result]")) line.dataset.outcome = "wait";
  const canvas = box.querySelector("canvas");
  tell("picture", testPicture(canvas));
  await Promise.all([
    testSound().then((outcome) => tell("sound", outcome)),
    testNetwork().then((outcome) => tell("network", outcome)),
    testStream().then((outcome) => tell("stream", outcome)),
  ]);
  button.disabled = false;
}

const button = box.querySelector("[data-check-start]");
button.addEventListener("click", () => run(button));
