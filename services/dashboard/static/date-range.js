// `<date-range>` around the period bar: letters choose a period; empty fields are not sent.
// @ts-check
// A letter works with no other key held down, and never while somebody types or chooses in a field.

class DateRange extends HTMLElement {
  connectedCallback() {
    document.addEventListener("keydown", this.#press);
    this.addEventListener("submit", this.#clean);
    this.addEventListener("change", this.#bound);
    this.#bound();
  }

  disconnectedCallback() {
    document.removeEventListener("keydown", this.#press);
  }

  /** @param {KeyboardEvent} event */
  #press = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.repeat) return;
    if (event.defaultPrevented || event.isComposing || isTyping(event.target)) return;
    for (const link of this.querySelectorAll("a[aria-keyshortcuts]")) {
      if (link.getAttribute("aria-keyshortcuts") === event.key) {
        event.preventDefault();
        /** @type {HTMLAnchorElement} */ (link).click();
        return;
      }
    }
  };

  /** An empty field is no part of the address; it is enabled again for the way back. */
  #clean = () => {
    const empty = [...this.querySelectorAll("input, select")].filter(
      (field) => isField(field) && field.value === "" && !field.disabled,
    );
    for (const field of empty) field.toggleAttribute("disabled", true);
    setTimeout(() => empty.forEach((field) => field.removeAttribute("disabled")));
  };

  /** The browser's own calendar offers no end before the start. */
  #bound = () => {
    const [from, to] = ["from", "to"].map((name) =>
      this.querySelector(`input[type=date][name=${name}]`),
    );
    if (from instanceof HTMLInputElement && to instanceof HTMLInputElement) {
      to.min = from.value;
      from.max = to.value;
    }
  };
}

/**
 * @param {Element} field
 * @returns {field is HTMLInputElement | HTMLSelectElement}
 */
function isField(field) {
  return field instanceof HTMLInputElement || field instanceof HTMLSelectElement;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.closest("input, select, textarea") !== null;
}

customElements.define("date-range", DateRange);
