// The side panel and the links that open it. Runs once, as `js_on_load` of the panel's gr.HTML:
// `element` and `server` come from Gradio; WORDS (strings in both languages), ICONS and
// CSS_OF from Python. Everything of notes and models is set as text, never as markup.

const root = element.querySelector(".yj-panel");

// Gradio builds the page again when it finds a restarted server: one panel listens, the newest.
window.youjuPanel?.abort();
window.youjuPanel = new AbortController();
const { signal } = window.youjuPanel;
let opener = null;

const make = (tag, css, ...children) => {
  const made = document.createElement(tag);
  if (css) made.className = css;
  made.append(...children);
  return made;
};

const word = (key) => {
  const [zh, en] = WORDS[key];
  const made = make("span");
  made.append(make("span", "zh", zh), make("span", "en", en));
  return made;
};

const inLanguage = (key) => WORDS[key][document.documentElement.lang.startsWith("zh") ? 0 : 1];

const button = (css, key, act, ...face) => {
  const made = make("button", css, ...(face.length ? face : [word(key)]));
  made.type = "button";
  made.title = inLanguage(key);
  if (face.length) made.setAttribute("aria-label", inLanguage(key));
  made.addEventListener("click", act);
  return made;
};

const outside = (href, scheme, key) => {
  if (!href.startsWith(scheme)) return [];
  const made = make("a", "act", word(key));
  made.href = href;
  return [made];
};

const within = (href, key) => {
  const made = make("a", "act", word(key));
  made.href = href;
  return made;
};

// `words` may still be on their way: the copying begins in the click itself, for a browser may
// refuse it later. The person is told in either case.
async function toClipboard(words, control) {
  let done = false;
  try {
    const coming = Promise.resolve(words).then((text) => {
      if (typeof text !== "string") throw new Error("nothing to copy"); // nor from a lost server
      return new Blob([text], { type: "text/plain" });
    });
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": coming })]);
    done = true;
  } catch {
    done = await copyTheOldWay(words);
  }
  if (control) say(control, done ? "panel.copied" : "panel.uncopied", done ? "✓ " : "");
}

// no clipboard outside a secure context
async function copyTheOldWay(words) {
  let text = null;
  try {
    text = await words;
  } catch (fault) {
    console.error(fault);
  }
  if (typeof text !== "string") return false;
  const area = make("textarea", "sr");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

// Say on a control, for a moment, what it did.
function say(control, key, mark = "✓ ") {
  if (control.classList.contains("done")) return;
  const face = [...control.childNodes];
  control.replaceChildren(mark, word(key));
  control.classList.add("done");
  setTimeout(() => {
    control.replaceChildren(...face);
    control.classList.remove("done");
  }, 1600);
}

// What turns the reading direction of all that follows, and letters that nobody sees, are shown.
const seen = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu, "\ufffd");

function top(p) {
  const steps = make("div", "steps");
  if (p.count > 1) {
    const back = button("step", "panel.previous", () => show(p.previous), "‹");
    const on = button("step", "panel.next", () => show(p.next), "›");
    back.disabled = !p.previous;
    on.disabled = !p.next;
    steps.append(back, make("span", "at", `${p.place} / ${p.count}`), on);
  }
  return make("div", "top", word("panel.passage"), steps, button("step", "panel.close", close, "×"));
}

function verdict(p) {
  const css = CSS_OF[p.verdict];
  const made = make("div", `verdict c-${css}`);
  made.append(make("div", `t-${css}`, make("span", `v v-${css}`, ICONS[p.verdict]), word(p.verdict)));
  if (p.reason) made.append(make("div", "why", seen(p.reason)));
  if (p.claim) made.append(make("blockquote", "claim", seen(p.claim)));
  return made;
}

function draw(p) {
  if (!p) return root.replaceChildren(top({}), make("div", "state", word("panel.state.lost")));
  const parts = [top(p)];
  if (p.verdict) parts.push(verdict(p));
  if (p.state) parts.push(make("div", "state", word(`panel.state.${p.state}`)));
  if (p.hit) {
    const title = make("h2", "", seen(p.title));
    const facts = make("div", "facts", seen([p.date, p.where].filter(Boolean).join(" · ")));
    const path = p.heading ? make("div", "path", seen(p.heading)) : "";
    parts.push(make("div", "place", title, path, facts));
    const mark = make("mark", "", seen(p.hit));
    mark.tabIndex = -1;
    parts.push(make("div", "text", make("div", "body", seen(p.pre), mark, seen(p.post))));
    const copy = button("act", "panel.copy", () => toClipboard(p.hit, copy));
    parts.push(
      make(
        "div",
        "acts",
        copy,
        ...(p.note ? [within(`#n-${encodeURIComponent(p.note)}${p.at && `@${p.at}`}`, "panel.note")] : []),
        ...(p.file ? [within(`#o-${encodeURIComponent(p.file)}`, "panel.file")] : []),
        ...outside(p.obsidian, "obsidian://", "panel.obsidian"),
        ...outside(p.editor, "vscode://", "panel.editor"),
      ),
    );
  }
  root.replaceChildren(...parts);
}

// What is asked for last is what is shown, however late another passage comes; nothing comes
// after the panel was closed.
let wanted = "";
async function show(ref, focus = true) {
  wanted = ref;
  let found = null;
  try {
    found = await server.passage(ref);
  } catch (fault) {
    console.error(fault);
  }
  if (wanted !== ref) return;
  draw(found);
  root.dataset.ref = ref;
  slide(true);
  land(20, focus);
}

// Bring the span into view and focus it, once the sheet is on the screen (within `frames`).
function land(frames, focus = true) {
  if (frames && getComputedStyle(root).visibility !== "visible") {
    requestAnimationFrame(() => land(frames - 1, focus));
    return;
  }
  const mark = root.querySelector("mark");
  const text = root.querySelector(".text");
  if (mark && text) text.scrollTop = mark.offsetTop - text.clientHeight / 3;
  if (focus) (mark || root.querySelector("button"))?.focus({ preventScroll: true });
}

function slide(open) {
  const side = document.getElementById("yj-side");
  if (side && side.classList.contains("open") !== open) side.querySelector(".toggle-button").click();
}

function close() {
  wanted = "";
  slide(false);
  opener?.classList.remove("is-open");
  opener?.focus();
}

const isOpen = () => document.getElementById("yj-side")?.classList.contains("open");

// An open panel goes with the conversation: to the first citation of a new answer, away where it
// has none. It stays while the person reads in it, and the focus stays where the person writes.
let answered = "";
function follow(chat) {
  const last = [...(chat?.querySelectorAll(".yj-a") ?? [])].pop();
  if (last?.querySelector(".yj-wait")) return;
  const now = last?.querySelector('a[href^="#y-"]')?.getAttribute("href") ?? "";
  if (now === answered) return;
  answered = now;
  if (!wanted || !isOpen() || (last && !chat.offsetParent) || root.contains(document.activeElement)) return;
  opener?.classList.remove("is-open");
  opener = last?.querySelector("a.cite") ?? null;
  if (!opener) return close();
  opener.classList.add("is-open");
  show(opener.getAttribute("href").slice(3), false);
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && (root.contains(document.activeElement) || !document.querySelector("[role=dialog]")))
    if (isOpen()) close();
    else wanted = ""; // what is still on its way does not come
}, { signal });

// A new question goes to the top of the window, so that its answer is read from the beginning. The
// answer above it is drawn a few frames later, in its new place: until then the question is held,
// unless the person scrolls.
let questions = 0;
let held = 0;
function raise(question, frames = 30) {
  if (frames === 30) held = performance.now();
  if (!question.isConnected || moved > held) return;
  const at = question.getBoundingClientRect().top;
  const top = parseFloat(getComputedStyle(question).scrollMarginTop);
  if (Math.abs(at - top) > 1) question.scrollIntoView({ block: "start" });
  if (frames) requestAnimationFrame(() => raise(question, frames - 1));
}
let moved = 0;
for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"])
  document.addEventListener(kind, () => { moved = performance.now(); }, { signal, passive: true });
let due = false;
function settle() {
  due = false;
  const chat = document.getElementById("yj-chat");
  const asked = chat ? chat.querySelectorAll(".yj-q") : [];
  if (asked.length > questions) raise(asked[asked.length - 1]);
  questions = asked.length;
  follow(chat);
  // Gradio gives screen readers the markup of a message: the text is enough
  for (const part of chat?.querySelectorAll('[aria-label*="<"]') ?? []) {
    part.removeAttribute("aria-label");
  }
  // and names its upload areas otherwise than they read
  reachWide();
  for (const area of document.querySelectorAll(".upload-container[aria-label]")) {
    area.removeAttribute("aria-label");
  }
}
// What is wider than its place is scrolled by keyboard, too. Each is measured once a width of the
// window: to measure what is out of sight makes the browser draw it.
let measured = new WeakSet();
function reachWide() {
  const wide = ":is(pre, table, .fm)";
  for (const part of document.querySelectorAll(`#yj-note ${wide}, .yj-body ${wide}, .yj-result .mt`)) {
    if (measured.has(part) || !part.offsetParent) continue;
    measured.add(part);
    if (part.scrollWidth > part.clientWidth + 1) part.tabIndex = 0;
  }
}
window.addEventListener("resize", () => {
  measured = new WeakSet();
  reachWide();
}, { signal });
// Gradio counts seconds in parts that nobody sees: with these alone nothing has changed
const counts = ({ target }) => (target.closest ? target : target.parentElement)?.closest(".wrap.hide");
const watcher = new MutationObserver((changes) => {
  if (!due && !changes.every(counts)) {
    due = true;
    requestAnimationFrame(settle);
  }
});
watcher.observe(document.body, { childList: true, subtree: true });
signal.addEventListener("abort", () => watcher.disconnect());

root.replaceChildren(make("div", "state", word("panel.empty")));
