// `<copy-text>` around a field that is only read: a button copies its text.
// @ts-check
// Promise: without scripts the field is there to be selected. What can go wrong: where the browser
// allows no copy, the text is selected instead, and the button says so.

const SAID_MS = 4000;

class CopyText extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector("input, textarea");
    const isField = field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement;
    if (!isField || this.querySelector("button") !== null) return;
    const copy = document.createElement("button");
    copy.type = "button";
    copy.className = "quiet";
    copy.textContent = "Copy";
    const name = field.getAttribute("aria-label") ?? field.labels?.[0]?.textContent;
    if (name) copy.setAttribute("aria-label", `Copy ${name}`);
    const said = document.createElement("span");
    said.className = "small";
    said.setAttribute("role", "status");
    copy.addEventListener("click", async () => {
      const isCopied = await write(field.value);
      if (!isCopied) field.select();
      said.textContent = isCopied ? "Copied" : "Selected; copy it by the keyboard";
      setTimeout(() => (said.textContent = ""), SAID_MS);
    });
    field.addEventListener("focus", () => field.select());
    this.append(copy, said);
  }
}

/**
 * Put a text on the clipboard; returns whether it is there. Without https only the old way works.
 * @param {string} text
 */
export async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand("copy");
    area.remove();
    return isCopied;
  }
}

customElements.define("copy-text", CopyText);
