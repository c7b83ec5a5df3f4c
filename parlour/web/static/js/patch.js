// Changes an element into the one the server has just sent, leaving alone what is the same: focus, open menus, scroll positions and
// whatever somebody is typing survive. Children with an id are found again by it, wherever they have moved.

const OWN = { DETAILS: ["open"], DIALOG: ["open"], INPUT: ["value", "checked"], BUTTON: ["disabled"] };

export function patch(old, wanted, fresh) {
  if (old.isEqualNode(wanted)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== wanted.nodeValue) old.nodeValue = wanted.nodeValue;
    return;
  }
  attributes(old, wanted);
  if (old.tagName === "TEXTAREA") return;
  const chosen = wanted.value; // Read first: options that are new here leave the wanted element, and with them its choice.
  children(old, wanted, fresh);
  if (old.tagName === "SELECT" && old !== document.activeElement) old.value = chosen;
}

function attributes(old, wanted) {
  const kept = old.type === "radio" ? ["checked"] : old.type === "hidden" ? [] : OWN[old.tagName] ?? [];
  for (const { name } of [...old.attributes]) if (!wanted.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  for (const { name, value } of wanted.attributes) {
    if (!kept.includes(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function children(old, wanted, fresh) {
  const keyed = new Map();
  for (const child of old.children) if (child.id) keyed.set(child.id, child);
  let here = old.firstChild;
  for (const next of [...wanted.childNodes]) {
    const found = next.id ? keyed.get(next.id) : alike(here, next);
    if (!found || found.nodeName !== next.nodeName) {
      old.insertBefore(next, here);
      if (fresh && next.id) fresh(next);
      continue;
    }
    if (found === here) here = here.nextSibling;
    else move(old, found, here);
    patch(found, next, fresh);
  }
  while (here) {
    const gone = here;
    here = here.nextSibling;
    gone.remove();
  }
}

function alike(from, wanted) {
  for (let node = from; node; node = node.nextSibling) if (!node.id && node.nodeName === wanted.nodeName) return node;
  return null;
}

function move(parent, node, before) {
  // Moving by insertBefore loses focus; newer browsers can move without.
  if (parent.moveBefore) {
    parent.moveBefore(node, before);
    return;
  }
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  parent.insertBefore(node, before);
  focused?.focus({ preventScroll: true });
}
