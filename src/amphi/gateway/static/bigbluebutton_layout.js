// What is open at the sides of BigBlueButton's client. A clean view has no button that opens anything, and a dialog cancels the clicks
// on those of other views. But React keeps each component's state next to the page's elements, and the layout's can be told to change.

// Known to the reducer by these names; one of them is spelled in two ways.
const NAVIGATION_IS_OPEN = ["setSidebarNavigationIsOpen"];
const CONTENT_IS_OPEN = ["setSidebarContentIsOpen"];
const CONTENT_PANEL = ["setSidebarContentPanel", "setSidebarcontentPanel"];
const CHAT_ID = ["setIdChatOpen"];

// Since 3.0 the public chat is one of many and named by the settings; before, by this.
const publicChatId = () => window.meetingClientSettings?.public?.chat?.public_group_id ?? "public";

function sides() {
  const state = layoutHook()?.memoizedState;
  if (!state) return null;
  const { sidebarNavigation, sidebarContent } = state.input;
  return [
    [NAVIGATION_IS_OPEN, Boolean(sidebarNavigation?.isOpen)],
    [CHAT_ID, state.idChatOpen ?? ""],
    [CONTENT_PANEL, sidebarContent.sidebarContentPanel ?? "none"],
    [CONTENT_IS_OPEN, Boolean(sidebarContent.isOpen)],
  ];
}

const CHAT_OPEN = () => [[CHAT_ID, publicChatId()], [CONTENT_PANEL, "chat"], [CONTENT_IS_OPEN, true]];
const NOTHING_OPEN = () => [[CONTENT_IS_OPEN, false], [CONTENT_PANEL, "none"], [CHAT_ID, ""]];
const NO_NAVIGATION = () => [[NAVIGATION_IS_OPEN, false]];

// An action that a version does not know would end its client, so each is first tried on the layout's own reducer, which has no effects.
function changeLayout(changes) {
  const hook = layoutHook();
  const actions = hook && knownActions(hook, changes);
  actions?.forEach((action) => hook.queue.dispatch(action));
  return Boolean(actions);
}

const canOpenChat = () => Boolean(layoutHook() && knownActions(layoutHook(), CHAT_OPEN()));

function knownActions(hook, changes) {
  const actions = changes.map(([spellings, value]) => spellings.map((type) => ({ type, value })).find((action) => isKnown(hook, action)));
  return actions.every(Boolean) ? actions : null;
}

function isKnown({ memoizedState, queue }, action) {
  try {
    return Boolean(queue.lastRenderedReducer(queue.lastRenderedState ?? memoizedState, action)?.input);
  } catch {
    return false;
  }
}

function layoutHook() {
  const element = find("#layout") ?? find("#app")?.firstElementChild;
  const key = Object.keys(element ?? {}).find((name) => /^__react(Fiber|InternalInstance)\$/.test(name));
  for (let fiber = element?.[key]; fiber; fiber = fiber.return) {
    for (let hook = fiber.memoizedState; hook && typeof hook === "object" && "queue" in hook; hook = hook.next) {
      if (hook.queue?.lastRenderedReducer && hook.memoizedState?.input?.sidebarContent) return hook;
    }
  }
  return null;
}
