// What the desk tells the person: aloud to screen readers, or as a toast for all.

let quiet;

/** Say politely to screen readers. */
export function say(words) {
  const region = document.getElementById("say");
  if (!region) return;
  clearTimeout(quiet);
  region.textContent = words;
  quiet = setTimeout(() => (region.textContent = ""), 4000);
}

export function toast(words, bad = false) {
  const region = document.getElementById("toasts");
  if (!region || !words) return;
  const note = document.createElement("div");
  note.className = bad ? "toast bad" : "toast";
  if (bad) note.setAttribute("role", "alert");
  const text = document.createElement("span");
  text.textContent = words;
  note.append(text);
  if (bad) {
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    close.addEventListener("click", () => note.remove());
    note.append(close);
  }
  while (region.children.length > 2) region.firstElementChild.remove();
  region.append(note);
  setTimeout(() => note.remove(), bad ? 12000 : 3200);
}
