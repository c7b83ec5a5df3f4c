// Words onto the page: as text only, never as HTML. What is there already stays where it is, so that a screen reader hears only what is new.
const LINK = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}]/g;
const $ = id => document.getElementById(id);

// The language of the page, in the way of the visitor's own country where that speaks it.
const spoken = document.documentElement.lang;
export const locale = navigator.languages?.find(one => one.split("-")[0] === spoken) ?? spoken;

export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

export function place(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

// Says something of the moment; with `only` nothing but that sentence is taken away.
export function note(text, only = null) {
  const element = $("note");
  if (!text && only !== null && element.textContent !== only) return;
  if (element.textContent !== text) element.textContent = text;
}

export function draw(messages, words, tools) {
  const log = $("log");
  const wanted = new Set(messages.map(one => one.id));
  for (const old of [...log.children]) if (old.dataset.id && !wanted.has(old.dataset.id)) old.remove();
  const known = new Map([...log.children].filter(one => one.dataset.id).map(one => [one.dataset.id, one]));
  let after = log.querySelector(".welcome");
  for (const message of messages) {
    const element = known.get(message.id) ?? begin(message, words, tools);
    if (after.nextElementSibling !== element) after.after(element);
    state(element, message, words, tools);
    choices(element, message === messages.at(-1) ? (message.choices ?? []) : [], words, tools);
    after = element;
  }
}

// Answers to choose from stand under the newest words only: what is said next has answered them.
function choices(element, offered, words, tools) {
  const shown = element.querySelector(".choices");
  const sign = JSON.stringify(offered);
  if ((shown?.dataset.sign ?? "[]") === sign) return;
  const group = make("div", "choices");
  group.dataset.sign = sign;
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", words.choose);
  group.append(...offered.map(choice => {
    const button = make("button", "", choice);
    button.type = "button";
    button.dir = "auto";
    button.addEventListener("click", () => tools.choose(choice));
    return button;
  }));
  shown?.remove();
  if (offered.length) element.querySelector(".when").before(group);
}

function begin(message, words, tools) {
  const element = make("article", message.mine ? "mine" : "theirs");
  element.dataset.id = message.id;
  element.append(make("p", "who", message.mine ? words.you : words.theirs));
  if (message.text) {
    const said = make("p", "words");
    said.dir = "auto";
    said.append(...linked(message.text));
    element.append(said);
  }
  element.append(make("div", "files"), make("p", "when"));
  return element;
}

function files(element, message, words, tools) {
  const sign = JSON.stringify((message.files || []).map(one => [one.id, one.name]));
  const place = element.querySelector(".files");
  if (place.dataset.sign === sign) return;
  place.dataset.sign = sign;
  place.replaceChildren(...(message.files || []).map(file => {
    const shown = make("p", "file", file.name);
    if (!file.id) return shown;
    const button = make("button", "", fill(words.download, { name: file.name }));
    button.type = "button";
    button.addEventListener("click", () => tools.save(file));
    shown.replaceChildren(button);
    if (file.kind === "image") {
      const image = make("img");
      image.alt = file.name;
      tools.picture(file).then(address => { if (address) { image.src = address; shown.prepend(image) } });
    }
    return shown;
  }));
}

function state(element, message, words, tools) {
  files(element, message, words, tools);
  const when = element.querySelector(".when");
  const sign = JSON.stringify([message.pending, message.sent, message.late, message.why]);
  if (when.dataset.sign === sign) return;
  when.dataset.sign = sign;
  element.classList.toggle("failed", Boolean(message.why));
  if (message.why) {
    const button = make("button", "", words.again);
    button.type = "button";
    button.addEventListener("click", () => tools.again(message));
    when.replaceChildren(fill(words.refused, { why: message.why }), " ", button);
  } else if (message.pending && !message.sent) {
    when.replaceChildren(message.late ? words.waiting : words.sending);
  } else {
    const at = new Date(message.at);
    const today = at.toDateString() === new Date().toDateString();
    const time = make("time", "", at.toLocaleString(locale, { ...(today ? {} : { day: "numeric", month: "short" }), hour: "2-digit", minute: "2-digit" }));
    time.dateTime = at.toISOString();
    when.replaceChildren(time, ...(message.mine ? [` · ${words.sent}`] : []));
  }
}

function linked(text) {
  const parts = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    const link = make("a", "", found[0]);
    link.href = found[0];
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    parts.push(text.slice(at, found.index), link);
    at = found.index + found[0].length;
  }
  return [...parts, text.slice(at)];
}

function make(name, kind, text = "") {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  if (text) element.textContent = text;
  return element;
}
