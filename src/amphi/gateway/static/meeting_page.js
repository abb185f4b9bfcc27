// Looks at a meeting's page on behalf of the gateway. Each kind answers null when the page is not of its kind, or
// {state: "joining" | "joined" | "ended" | "refused", detail}.
"use strict";

(() => {
  if (window.top !== window) return;
  const find = (selector) => document.querySelector(selector);
  const isVisible = (element) => Boolean(element?.getClientRects().length);
  const steps = new Set(); // what has been pressed in this document: once each

  // amphi classroom says how it stands on its root element.
  const classroom = {
    observe() {
      const state = document.documentElement.dataset.meetingState;
      return state ? { state, detail: document.documentElement.dataset.meetingDetail ?? "" } : null;
    },
    isChatShown: () => isVisible(find("#chat-input")),
    showChat(shown) {
      window.amphiClassroom.setChatPanel(shown);
      return shown;
    },
    async sendChat(text) {
      return (await window.amphiClassroom.sendChat(text)) !== false;
    },
  };

  // BigBlueButton's HTML5 client, 2.6 to 3.0. The join parameters ask for sound without questions; what is pressed here is for
  // joins that could not carry them.
  let clientSince = null;
  let wasIn = false;
  const bigbluebutton = {
    observe() {
      const failure = new URLSearchParams(location.search).get("errors");
      if (failure) return { state: "refused", detail: failure };
      const isClient = location.pathname.includes("html5client") || isVisible(find("[data-test='layoutContainer'], #layout"));
      if (!isClient) return null;
      if (find("[data-test='meetingEndedModal'], [data-test='meetingEndedModalTitle']")) return { state: "ended" };
      if (find("[data-test='guestWaitingMessage']")) return { state: "joining", detail: "waiting for a moderator" };
      const listen = find("[data-test='listenOnlyBtn']");
      if (isVisible(listen)) {
        pressOnce("listen only", listen);
        return { state: "joining", detail: "asking for the sound" };
      }
      const isIn = find("[data-test='whiteboard'], #presentationInnerWrapper, [data-test='presentationContainer'], #cameraDock, [data-test='chatMessages']");
      // A room without slides, cameras or chat shows none of these: then a client that stands still for a while is in.
      clientSince ??= performance.now();
      wasIn ||= isVisible(isIn) || performance.now() - clientSince > 5000;
      return { state: wasIn ? "joined" : "joining" };
    },
    isChatShown: () => isVisible(find("#message-input, [data-test='publicChat']")),
    showChat(shown) {
      if (this.isChatShown() !== shown) (find("[data-test='chatButton']") ?? find("[data-test='hidePublicChat']"))?.click();
      return new Promise((resolve) => setTimeout(() => resolve(this.isChatShown()), 300));
    },
    sendChat(text) {
      const box = find("#message-input");
      if (!box) return false;
      // React keeps its own copy of the value: set it as a person's keys would.
      Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, text);
      box.dispatchEvent(new Event("input", { bubbles: true }));
      return new Promise((resolve) =>
        setTimeout(() => {
          find("[data-test='sendMessageButton']")?.click();
          resolve(true);
        }, 100),
      );
    },
  };

  // A join page in front of a meeting, as Esup-Pod and others show to a gateway.
  const joinForm = {
    observe(options) {
      const field = find("#id_name, #joinFormName");
      if (!field?.form) return null;
      pressOnce("cookies", find("#okcookie"));
      if (!steps.has("join form")) {
        steps.add("join form");
        field.value = options.name;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        const button = field.form.querySelector("button[type='submit'], input[type='submit']");
        if (button) button.click();
        else field.form.submit();
      }
      return { state: "joining", detail: "on the join page" };
    },
  };

  // BBB answers a join that it can't do with XML.
  const apiError = {
    observe() {
      const code = document.contentType.endsWith("xml") && document.querySelector("returncode");
      if (code?.textContent !== "FAILED") return null;
      return { state: "refused", detail: document.querySelector("messageKey, message")?.textContent ?? "" };
    },
  };

  const plain = {
    observe(options) {
      if (!options.anyPage) return null;
      const last = performance.getEntriesByType("resource").reduce((end, { responseEnd }) => Math.max(end, responseEnd), 0);
      const isQuiet = performance.now() - last > 500 && performance.now() > 500;
      return { state: document.readyState === "complete" && isQuiet ? "joined" : "joining" };
    },
  };

  const kinds = { apiError, classroom, bigbluebutton, joinForm, plain };
  let current = null;

  function pressOnce(step, element) {
    if (!element || steps.has(step)) return;
    steps.add(step);
    element.click();
  }

  window.amphiMeetingPage = {
    async observe(options) {
      for (const [kind, adapter] of Object.entries(kinds)) {
        const seen = adapter.observe(options);
        if (!seen) continue;
        current = adapter;
        // "In the meeting" is said only once the meeting has been painted.
        if (seen.state === "joined") await painted();
        return { kind, ...seen };
      }
      return null;
    },
    showChat: (shown) => (shown === null ? current?.isChatShown?.() : current?.showChat?.(shown)) ?? false,
    sendChat: (text) => current?.sendChat?.(text) ?? false,
  };

  function painted() {
    return new Promise((resolve) => {
      requestAnimationFrame(() => requestAnimationFrame(resolve));
    });
  }
})();
