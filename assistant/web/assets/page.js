// Links of the page, past chats, switches and the tour. Runs behind panel.js, in its scope;
// `trigger` comes from Gradio and carries an event to Python.

const storage = {
  get: (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  set: (name, value) => {
    try {
      localStorage.setItem(name, value);
    } catch {
      // storage is blocked: the choice lasts as long as the page
    }
  },
};

function saveAs(text) {
  const isJson = text.startsWith("{");
  const url = URL.createObjectURL(
    new Blob([text], { type: isJson ? "application/json" : "text/markdown" }),
  );
  const link = make("a", "");
  link.href = url;
  link.download = `youju-${new Date().toISOString().slice(0, 10)}.${isJson ? "json" : "md"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// On a phone the panel covers what a link leads to.
function uncover() {
  if (matchMedia("(max-width: 768px)").matches) slide(false);
}

function seek(selector, then, frames = 90) {
  const found = document.querySelector(selector);
  if (found?.offsetParent) then(found);
  else if (frames) requestAnimationFrame(() => seek(selector, then, frames - 1));
}

// What leaves the conversation waits until the answer on its way was stopped: its last piece would
// be drawn over what comes next.
const isAnswering = () => {
  const stop = document.getElementById("yj-stop");
  return stop !== null && !stop.matches(".hidden, .hide, [hidden]");
};
function whenStill(act, frames = 600) {
  if (!isAnswering() || !frames) return act();
  if (frames === 600) document.getElementById("yj-stop").click();
  requestAnimationFrame(() => whenStill(act, frames - 1));
}
document.addEventListener("click", (event) => {
  const leaving = event.target.closest?.("#yj-new");
  if (!leaving || !isAnswering()) return;
  event.stopImmediatePropagation();
  whenStill(() => leaving.click());
}, { signal, capture: true });

function edit(what, sheet) {
  trigger("submit", { what, sheet });
  uncover();
  seek("#yj-cancel", () => {
    const box = document.querySelector("#yj-box textarea");
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  });
}

async function save(ref, link) {
  let text = null;
  try {
    text = await server.copied(ref);
  } catch (fault) {
    console.error(fault);
  }
  if (typeof text !== "string") return say(link, "js.unsaved", "");
  saveAs(text);
  say(link, "js.saved");
}

const FOLLOWED = {
  p: async (ref, link) => {
    opener?.classList.remove("is-open");
    opener = link;
    link.classList.add("is-open");
    await show(ref);
  },
  y: (ref, link) => toClipboard(server.copied(ref), link),
  d: save,
  e: (sheet) => edit("question", sheet),
  s: (sheet) => edit("search", sheet),
  n: (path, link, at) => {
    // the note that is read now must not be taken for the one that is asked for
    document.querySelector("#yj-note .yj-nhead")?.classList.add("is-old");
    leftAt.set(tabNow(), window.scrollY);
    if (link.closest("#yj-hits")) listAt = window.scrollY;
    trigger("click", { note: path, at });
    uncover();
    seek("#yj-note .yj-nhead:not(.is-old)", () => {
      const words = document.querySelector("#yj-note .here");
      if (words) words.scrollIntoView({ block: "center" });
      else document.getElementById("yj-reader").scrollIntoView({ block: "start" });
    });
  },
  q: (path) => {
    trigger("input", { note: path });
    uncover();
    seek("#yj-box textarea", (box) => box.focus());
  },
  l: (address) => {
    if (/^(obsidian|vscode):\/\//.test(address)) window.location.href = address;
  },
  o: async (path, link) => {
    if (!(await server.opened(path))) say(link, "panel.unopened", "");
  },
  u: (name) => SWITCHES[name]?.(),
};

document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  // letter, what is named (coded, so without an @), and the span of a note behind it
  const parts = link && /^#([a-z])-([^@]+)(?:@(\d+-\d+))?$/s.exec(link.getAttribute("href"));
  const follow = parts && FOLLOWED[parts[1]];
  if (!follow) return;
  event.preventDefault();
  follow(decodeURIComponent(parts[2]), link, parts[3] ?? "");
}, { signal });

// After these the person goes on writing; a touch screen keeps its keyboard down until it is asked.
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#yj-new, #yj-stop, #yj-cancel") || !matchMedia("(hover: hover)").matches) return;
  seek("#yj-send", () => document.querySelector("#yj-box textarea")?.focus());
}, { signal });

// A tab is found again where it was left, and a list where a note was opened from it. What stands
// in the panel belongs to the tab that is left.

const TAB = '#yj-tabs button[role="tab"]';
const tabNow = () => document.querySelector(`${TAB}.selected`)?.dataset.tabId ?? "";
const leftAt = new Map();
let listAt = 0;

// once Gradio has drawn it: it is as high as before only then
function backTo(at, frames = 30) {
  window.scrollTo(0, at);
  if (Math.abs(window.scrollY - at) > 2 && frames) requestAnimationFrame(() => backTo(at, frames - 1));
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest?.(TAB);
  if (tab && !tab.classList.contains("selected")) {
    leftAt.set(tabNow(), window.scrollY);
    if (isOpen()) {
      wanted = "";
      opener?.classList.remove("is-open");
      slide(false);
    }
    requestAnimationFrame(() => backTo(leftAt.get(tab.dataset.tabId) ?? 0));
  } else if (event.target.closest?.("#yj-back")) {
    seek("#yj-hits", () => backTo(listAt));
  }
}, { signal, capture: true });

// Past chats, in the panel

function chatRow(chat) {
  const at = new Date(`${chat.when.replace(" ", "T")}Z`); // stored in UTC
  const when = at.toLocaleString(document.documentElement.lang || [], {
    dateStyle: "medium", timeStyle: "short",
  });
  const open = make(
    "button", chat.open ? "chat is-open" : "chat",
    make("span", "t", seen(chat.title)), make("span", "facts", `${when} · ${chat.turns} `, word("js.turns")),
  );
  open.type = "button";
  open.addEventListener("click", () => {
    close();
    whenStill(() => trigger("select", { session: chat.session }));
  });
  const drop = button("act drop", "js.delete", () => {
    if (!drop.dataset.sure) {
      drop.dataset.sure = "1";
      drop.replaceChildren(word("js.sure"));
      return;
    }
    whenStill(() => trigger("select", { session: chat.session, drop: true }));
    row.remove();
  });
  const row = make("div", "chat-row", open, drop);
  return row;
}

async function showChats() {
  wanted = "";
  delete root.dataset.ref;
  opener = document.activeElement;
  let found = [];
  try {
    found = await server.chats("");
  } catch (fault) {
    console.error(fault);
  }
  const head = make("div", "top", make("h2", "", word("js.chats")), make("div", "steps"),
    button("step", "panel.close", close, "×"));
  const rows = found.map(chatRow);
  root.replaceChildren(head, ...(rows.length ? rows : [make("div", "state", word("js.no_chats"))]));
  slide(true);
  land(20);
}

// Switches of the header

const SWITCHES = {
  chats: showChats,
  tour: () => tour(0),
  lang: () => {
    storage.set("youju-lang", document.documentElement.lang.startsWith("zh") ? "en" : "zh-CN");
    location.reload();
  },
  theme: () => {
    const dark = document.body.classList.toggle("dark");
    storage.set("youju-theme", dark ? "dark" : "light");
  },
};

// The tour: one bubble at a time, beside what it speaks of

const STOPS = [
  ["js.tour.box", "#yj-line"],
  ["js.tour.legend", "#yj-legend"],
  ["js.tour.find", '#yj-tabs button[role="tab"]:nth-of-type(2)'],
  ["js.tour.check", '#yj-tabs button[role="tab"]:nth-of-type(3)'],
  ["js.tour.notes", '#yj-tabs button[role="tab"]:nth-of-type(5)'],
];
let bubble = null;

function endTour() {
  bubble?.remove();
  bubble = null;
  document.querySelector(".yj-toured")?.classList.remove("yj-toured");
  storage.set("youju-toured", "1");
}

function tour(at) {
  endTour();
  if (at === 0) document.querySelector('#yj-tabs button[role="tab"]')?.click();
  if (at >= STOPS.length) return;
  const [key, selector] = STOPS[at];
  const target = document.querySelector(selector);
  if (!target?.offsetParent) {
    if (at || !target) tour(at + 1);
    else requestAnimationFrame(() => tour(0));
    return;
  }
  const last = at === STOPS.length - 1;
  const on = button("go", last ? "js.finish" : "js.go_on", () => tour(at + 1));
  bubble = make("div", "yj-bubble", make("div", "say", word(key)),
    make("div", "row", make("span", "at", `${at + 1} / ${STOPS.length}`),
      ...(last ? [] : [button("act", "js.skip", endTour)]), on));
  bubble.setAttribute("role", "dialog");
  bubble.setAttribute("aria-label", inLanguage(key));
  document.querySelector(".gradio-container").append(bubble);
  target.classList.add("yj-toured");
  target.scrollIntoView({ block: "nearest" });
  const place = target.getBoundingClientRect();
  const below = place.bottom + bubble.offsetHeight + 16 < innerHeight;
  const top = below ? place.bottom + 10 : place.top - bubble.offsetHeight - 10;
  const left = Math.min(Math.max(12, place.left), innerWidth - bubble.offsetWidth - 12);
  bubble.style.top = `${Math.max(10, top)}px`;
  bubble.style.left = `${left}px`;
  on.focus({ preventScroll: true });
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && bubble) {
    event.stopImmediatePropagation();
    endTour();
  }
}, { signal, capture: true });
signal.addEventListener("abort", endTour);

// What Gradio leaves without a name for screen readers
function nameControls() {
  for (const [selector, key] of [["#yj-side .toggle-button", "panel.close"]]) {
    const found = document.querySelector(selector);
    if (found && !found.getAttribute("aria-label")) found.setAttribute("aria-label", inLanguage(key));
  }
}
nameControls();
