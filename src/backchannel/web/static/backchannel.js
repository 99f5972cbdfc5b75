// What a page gains where scripts run: nothing a task depends on. Two custom elements and the keys of the inbox.

/** `<copy-value data-value="evil.example">`: a button that copies the real value; the text beside it is defanged. */
class CopyValue extends HTMLElement {
  connectedCallback() {
    if (!navigator.clipboard || this.firstChild) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = this.dataset.label;
    button.title = this.dataset.title;
    button.setAttribute("aria-label", this.dataset.title);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.dataset.value);
      button.textContent = this.dataset.done;
      setTimeout(() => (button.textContent = this.dataset.label), 2000);
    });
    this.append(button);
  }
}
customElements.define("copy-value", CopyValue);

// Every time says its UTC form in its tooltip; add the reader's own.
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf())) time.title += `\n${at.toLocaleString(undefined, { timeZoneName: "short" })}`;
}

// j and k walk through the items as Tab does, o opens one, / goes to the search.
const items = [...document.querySelectorAll(".items .says a")];
const search = document.querySelector("input[type=search]");
document.querySelector("#keys")?.removeAttribute("hidden");
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, button")) return;
  const at = items.indexOf(document.activeElement);
  if (event.key === "j") items[Math.min(at + 1, items.length - 1)]?.focus();
  else if (event.key === "k") items[Math.max(at - 1, 0)]?.focus();
  else if (event.key === "o") items[at]?.click();
  else if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  }
});
