// `<live-refresh id seconds url>`: asks the page again and replaces its content when it changed.
// @ts-check
// Promise: nothing is replaced while somebody works in the region (focus or selection), and nothing
// is asked while the page is hidden. What can go wrong: an answer that fails or has no such region
// leaves the page as it is, and the element asks again, each time after twice the pause.

const SECONDS_MIN = 2;
const PAUSES_MAX = 16;

class LiveRefresh extends HTMLElement {
  /** What the server sent last. @type {string} */
  #sent = "";
  /** How many pauses to wait for; more than one after failures. */
  #pauses = 1;
  /** @type {number | undefined} */
  #timer;

  connectedCallback() {
    this.#sent = this.innerHTML;
    document.addEventListener("visibilitychange", this.#schedule);
    this.#schedule();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#schedule);
    clearTimeout(this.#timer);
  }

  #schedule = () => {
    clearTimeout(this.#timer);
    if (document.hidden || !this.isConnected) return;
    const seconds = Math.max(Number(this.getAttribute("seconds")) || 10, SECONDS_MIN);
    this.#timer = setTimeout(this.#ask, seconds * 1000 * this.#pauses);
  };

  #ask = async () => {
    const isTaken = await this.#take();
    this.#pauses = isTaken ? 1 : Math.min(this.#pauses * 2, PAUSES_MAX);
    this.#schedule();
  };

  /** Ask once; returns whether the server answered with this region. */
  async #take() {
    try {
      const answer = await fetch(this.getAttribute("url") ?? location.href, {
        headers: { Accept: "text/html" },
      });
      if (!answer.ok) return false;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const region = page.getElementById(this.id);
      if (region === null) return false;
      this.#show(region);
      return true;
    } catch (problem) {
      if (problem instanceof TypeError) return false; // The network failed.
      throw problem;
    }
  }

  /** @param {Element} region */
  #show(region) {
    if (region.innerHTML === this.#sent || this.#isInUse()) return;
    this.#sent = region.innerHTML;
    this.replaceChildren(...region.childNodes);
    this.dispatchEvent(new CustomEvent("refreshed", { bubbles: true }));
  }

  #isInUse() {
    const selected = getSelection();
    const isSelecting = selected !== null && !selected.isCollapsed &&
      this.contains(selected.anchorNode);
    return isSelecting || this.contains(document.activeElement);
  }
}

customElements.define("live-refresh", LiveRefresh);
