// Files that go along with an answer: chosen, dropped or pasted, listed under the words, and checked against what the way takes.

const form = () => document.getElementById("composer");
const input = () => document.getElementById("files");
const list = () => document.getElementById("chosen");
const way = () => form()?.querySelector('[name="way"]:checked');
const kindOf = (type) => (/^(image|video|audio)\//.exec(type ?? "")?.[1] ?? "file");
const MB = 1024 * 1024;

// Files of an answer that was taken back: the server has them, their numbers are enough.
let again = [];
// What the file dialog brings takes the place of what was chosen before: hold on to that.
let before = [];
let shown;

function sizeOf(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 999500 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

function takes() {
  const chosen = way();
  if (!chosen?.dataset.media) return { media: {}, count: 0, name: "A note" };
  return { media: JSON.parse(chosen.dataset.media), count: Number(chosen.dataset.count), name: chosen.dataset.channel };
}

/** Why a file cannot go this way, or nothing. */
function unfit(file, index, { media, count, name }) {
  if (!Object.keys(media).length) return `${name} takes no files`;
  if (index >= count) return count === 1 ? `${name} takes one file` : `${name} takes ${count} files at most`;
  const most = media[file.kind];
  if (!most) return `${name} does not take this kind`;
  return file.size > most ? `${name} takes at most ${(most / MB).toFixed(most < MB ? 1 : 0)} MB` : "";
}

function line(file, index, able, remove) {
  const item = document.createElement("li");
  const name = document.createElement("bdi");
  const about = document.createElement("small");
  const off = document.createElement("button");
  const wrong = unfit(file, index, able);
  name.textContent = file.name;
  about.textContent = wrong ? `${sizeOf(file.size)}, ${wrong}` : sizeOf(file.size);
  item.classList.toggle("unfit", Boolean(wrong));
  off.type = "button";
  off.textContent = "\u00d7";
  off.setAttribute("aria-label", `Leave out ${file.name}`);
  off.title = "Leave out";
  off.addEventListener("click", () => {
    remove();
    document.getElementById("text")?.focus();
  });
  item.append(name, about, off);
  if (file.id) {
    const number = document.createElement("input");
    number.type = "hidden";
    number.name = "again";
    number.value = file.id;
    item.append(number);
  }
  return item;
}

/** Draw the list anew: the files, or the way they go, have changed. */
export function showFiles() {
  if (!input() || !list()) return;
  if (shown !== input()) {
    // Another case, or the same one drawn anew: what was chosen there stayed there.
    shown = input();
    again = [];
    before = [];
  }
  const able = takes();
  const fresh = [...input().files];
  const kept = again.map((file, at) => line(file, at, able, () => (again.splice(at, 1), showFiles())));
  const added = fresh.map((file, at) => line({ name: file.name, size: file.size, kind: kindOf(file.type) }, again.length + at, able, () => put(fresh.filter((one) => one !== file))));
  list().replaceChildren(...kept, ...added);
  const total = fresh.reduce((sum, file) => sum + file.size, 0);
  if (total > Number(form().dataset.room)) {
    const item = document.createElement("li");
    item.className = "unfit";
    item.textContent = `Together they are too large: ${(Number(form().dataset.room) / MB).toFixed(0)} MB at most.`;
    list().append(item);
  }
  const kinds = Object.keys(able.media);
  document.getElementById("attach").hidden = !kinds.length;
  input().accept = kinds.length && !kinds.includes("file") ? kinds.map((kind) => `${kind}/*`).join(",") : "";
}

function put(files) {
  const carrier = new DataTransfer();
  for (const file of files) carrier.items.add(file);
  input().files = carrier.files;
  before = [...files];
  showFiles();
}

function add(files) {
  if (!input() || !files.length) return;
  put([...before, ...files]);
}

/** They are on their way: the list is free for the next ones. */
export function filesSent() {
  again = [];
  if (input()) put([]);
}

export function filesTakenBack(files) {
  again = [...again, ...files];
  showFiles();
}

const ours = (event) => event.target.closest?.("#composer");
const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

function dropped(event) {
  if (!carriesFiles(event)) return;
  // Beside the composer, too: a browser would leave the desk to show the file.
  event.preventDefault();
  form()?.classList.remove("over");
  if (ours(event)) add([...event.dataTransfer.files]);
}

export function startFiles() {
  document.addEventListener("change", (event) => {
    if (event.target.id === "files") add([...event.target.files]);
  });
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    form()?.classList.toggle("over", Boolean(ours(event)));
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || form()?.classList.remove("over"));
  document.addEventListener("drop", dropped);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    // A spreadsheet's cells come as words and as a picture of them: the words are meant.
    if (event.target.id !== "text" || !files.length || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    add(files);
  });
}
