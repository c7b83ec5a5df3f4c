// What the desk tells the person: aloud to screen readers, or as a toast for all.

const GOOD = 3200, BAD = 12000;
let quiet;

/** Say politely to screen readers. */
export function say(words) {
  const region = document.getElementById("say");
  if (!region) return;
  clearTimeout(quiet);
  region.textContent = words;
  quiet = setTimeout(() => (region.textContent = ""), 4000);
}

function button(words, pressed) {
  const one = document.createElement("button");
  one.type = "button";
  one.textContent = words;
  one.addEventListener("click", pressed);
  return one;
}

function undo(note, address) {
  note.remove();
  const token = document.querySelector('[name="csrfmiddlewaretoken"]')?.value;
  // From the page, not from the toast: what the answer tells must still be heard when the toast is gone.
  window.htmx.ajax("POST", address, { source: document.body, swap: "none", values: { csrfmiddlewaretoken: token } });
}

/**
 * Show words for a moment. ``about``: what they are about. Words about the same ``case`` take the place of earlier ones; ``undo`` is
 * the address that takes back what was done (the answer ``message``, or a correction) within ``seconds``.
 */
export function toast(words, bad = false, about = {}) {
  const region = document.getElementById("toasts");
  if (!region || !words) return;
  const note = document.createElement("div");
  note.className = bad ? "toast bad" : "toast";
  if (bad) note.setAttribute("role", "alert");
  const text = document.createElement("span");
  text.textContent = words;
  note.append(text);
  if (bad) note.append(button("Close", () => note.remove()));
  if (about.undo) {
    const back = button("Undo", () => undo(note, about.undo));
    back.dataset.key = "z";
    if (about.message) note.dataset.message = about.message;
    note.append(back);
  }
  if (about.case) {
    note.dataset.case = about.case;
    for (const old of [...region.children]) if (old.dataset.case === note.dataset.case) old.remove();
  }
  while (region.children.length > 2) region.firstElementChild.remove();
  region.append(note);
  setTimeout(() => note.remove(), about.undo ? about.seconds * 1000 : bad ? BAD : GOOD);
}

/** Take away what offers to undo an answer that is settled, as ``isSettled`` says of its message. */
export function settled(isSettled) {
  for (const note of document.querySelectorAll("#toasts [data-message]")) if (isSettled(note.dataset.message)) note.remove();
}
