// `<toast-undo>` around what was just done: it floats, can be closed, and goes by itself.
// @ts-check
// Promise: it stays while the pointer or the focus is in it, so nobody races for its undo button.
// Without scripts it is a plain notice above the page.

const SHOWN_MS = 20_000;

class ToastUndo extends HTMLElement {
  /** @type {number | undefined} */
  #timer;

  connectedCallback() {
    if (this.classList.contains("floats")) return;
    this.classList.add("floats");
    const close = document.createElement("button");
    close.type = "button";
    close.className = "quiet";
    close.textContent = "Close";
    close.addEventListener("click", () => this.remove());
    this.firstElementChild?.append(close);
    for (const held of ["pointerenter", "focusin"]) this.addEventListener(held, this.#hold);
    for (const left of ["pointerleave", "focusout"]) this.addEventListener(left, this.#wait);
    this.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.remove();
    });
    this.#wait();
  }

  disconnectedCallback() {
    this.#hold();
  }

  #hold = () => clearTimeout(this.#timer);

  #wait = () => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.remove(), SHOWN_MS);
  };
}

customElements.define("toast-undo", ToastUndo);
