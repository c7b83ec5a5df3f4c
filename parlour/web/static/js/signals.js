// What the customer may see of our work: that their words were read, and that an answer is being written. Courtesies: nobody waits for
// them, and what does not get through is not tried again.

const TYPING_EVERY = 4000;
const form = () => document.getElementById("composer");
let told = "";
let typed = -TYPING_EVERY;

const privately = () => form()?.querySelector('[name="way"][data-visibility="private"]');
const can = (way, signal) => Boolean(way?.dataset.signals?.split(" ").includes(signal));

function tell(signal, values = {}) {
  const body = new URLSearchParams({ csrfmiddlewaretoken: form().elements.csrfmiddlewaretoken.value, ...values });
  fetch(`/case/${form().dataset.case}/${signal}`, { method: "POST", body, credentials: "same-origin" }).catch(() => {});
}

/** The newest words are shown; a window in the background shows nothing to anybody. */
export function shownUpTo(newest) {
  if (!form() || document.hidden || !can(privately(), "seen")) return;
  const now = `${form().dataset.case}:${newest}`;
  if (now === told) return;
  told = now;
  tell("seen");
}

/** A private answer is being written. */
export function writing(way, text) {
  if (way?.dataset.visibility !== "private" || !text.trim() || !can(way, "typing")) return;
  const now = performance.now();
  if (now - typed < TYPING_EVERY) return;
  typed = now;
  tell("typing", { answers: way.value.split(":")[1] });
}

export function startSignals() {
  document.addEventListener("visibilitychange", () => shownUpTo(document.getElementById("flow")?.dataset.newest));
}
