// What the meeting's page shows of its own life, for the gateway to hold against what it films.

const SIGN_MS = 2000; // a sign holds for a moment: films stutter, and people pause between words
const LEAST_SHARE = 0.02; // of the window: smaller films are not missed
const COVERING_SHARE = 0.08;
const SPEAKING = named("isTalking", "webcamItemTalkingUser");
const COVERS = "dialog[open], [role='dialog'], [role='alertdialog'], [aria-modal='true']";

const signs = { frames: new WeakMap(), movedMs: -Infinity, spokeMs: -Infinity };

function shareOfWindow(element) {
  const { left, top, right, bottom } = element.getBoundingClientRect();
  const width = Math.min(right, innerWidth) - Math.max(left, 0);
  const height = Math.min(bottom, innerHeight) - Math.max(top, 0);
  return width > 0 && height > 0 ? (width * height) / (innerWidth * innerHeight) : 0;
}

const isSeen = (element) => isVisible(element) && element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });

function hasMoved(film) {
  const frames = film.getVideoPlaybackQuality().totalVideoFrames;
  const before = signs.frames.get(film) ?? frames;
  signs.frames.set(film, frames);
  return frames > before && isSeen(film) && shareOfWindow(film) >= LEAST_SHARE;
}

function pictureSigns() {
  const now = performance.now();
  // All of them are counted each time.
  if ([...document.querySelectorAll("video")].filter(hasMoved).length) signs.movedMs = now;
  if (find(SPEAKING)) signs.spokeMs = now;
  const cover = [...document.querySelectorAll(COVERS)].find((one) => isSeen(one) && shareOfWindow(one) >= COVERING_SHARE);
  return {
    moves: now - signs.movedMs < SIGN_MS,
    speaks: now - signs.spokeMs < SIGN_MS,
    covered: cover ? textOf(cover) || "a dialog without words" : "",
  };
}
