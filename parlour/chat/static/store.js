// What is kept of the conversation: the visitor's token, what is not sent yet, and what has been seen. It is kept in this browser for the
// desk's own origin; where the browser refuses that to a framed page, the brand's page is asked to keep it for the length of its tab; and
// where that is refused as well, it lasts as long as the page.
export class Store {
  constructor(name, elsewhere) {
    this.name = name;
    this.elsewhere = elsewhere;
    this.values = {};
    this.refused = false;
    try {
      this.values = JSON.parse(localStorage.getItem(name)) || {};
    } catch (error) {
      this.refused = !(error instanceof SyntaxError);
    }
  }

  // What the brand's page has kept, where this browser keeps nothing here.
  recall(kept) {
    if (this.refused && kept && typeof kept === "object") this.values = kept;
  }

  get(name) {
    return this.values[name] ?? null;
  }

  clear() {
    this.values = {};
    this.set("token", null);
  }

  set(name, value) {
    if (value === null || (Array.isArray(value) && !value.length)) delete this.values[name];
    else this.values[name] = value;
    if (this.refused) return this.elsewhere(this.values);
    try {
      if (Object.keys(this.values).length) localStorage.setItem(this.name, JSON.stringify(this.values));
      else localStorage.removeItem(this.name);
    } catch { /* full */ }
  }
}
