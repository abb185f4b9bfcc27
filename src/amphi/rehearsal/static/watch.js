// What the robots note on the pages, on the pages' own clock: when the state changed, when a text came, how old the picture is.
(() => {
  const watch = globalThis.rehearsalWatch = {
    states: [], frames: [], firstFrameAt: null, lastFrameAt: null, unread: 0, clicks: {}, sizes: [],
  };
  const SAMPLE_MS = 200;

  function noteState() {
    const { liveState } = document.documentElement.dataset;
    if (liveState && watch.states.at(-1)?.state !== liveState) watch.states.push({ state: liveState, at: Date.now() });
  }
  new MutationObserver(noteState).observe(document, { subtree: true, childList: true, attributeFilter: ['data-live-state'] });

  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('button');
    if (button?.id) watch.clicks[button.id] = Date.now();
  }, true);

  // When `text` first stands on the page, or came to a live page that holds it until its picture is there, in ms since 1970.
  watch.textAt = (text) => new Promise((resolve) => {
    const look = () => {
      if (!document.body?.textContent.includes(text)) return false;
      resolve(Date.now());
      observer.disconnect();
      return true;
    };
    document.addEventListener('amphi:message', ({ detail }) => { if (detail.text.includes(text)) resolve(Date.now()); });
    const observer = new MutationObserver(look);
    if (!look()) observer.observe(document, { subtree: true, childList: true, characterData: true });
  });

  // Reads the clock from each fifth of a second's picture. `advancedAt`: when the picture first moved on.
  watch.picture = (id) => {
    const reader = new globalThis.rehearsalClock.Reader();
    let due = 0, video = null, first = null;
    const onFrame = (_now, { mediaTime }) => {
      const now = Date.now();
      watch.lastFrameAt = now;
      first ??= { mediaTime, at: now };
      if (watch.firstFrameAt === null && mediaTime > first.mediaTime) watch.firstFrameAt = now;
      if (now >= due) {
        due = now + SAMPLE_MS;
        const found = reader.read(video, video.videoWidth, video.videoHeight);
        if (found) watch.frames.push({ at: now, id: found.id, age: globalThis.rehearsalClock.ageMs(found.time, now) });
        else watch.unread++;
      }
      video.requestVideoFrameCallback(onFrame);
    };
    setInterval(() => {
      const current = document.querySelector('video');
      if (current === video || !current) return;
      video = current;
      first = null;
      video.requestVideoFrameCallback(onFrame);
    }, 50);
    watch.id = id;
  };

  // A second live of the same page starts its own measures.
  watch.again = () => Object.assign(watch, { firstFrameAt: null, lastFrameAt: null });
})();
