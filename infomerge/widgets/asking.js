/**
 * Asking the kernel: one ask at a time, so that a dragged slider never queues up, and a word when no answer comes.
 *
 * @typedef {{ask: string, option?: string, [more: string]: unknown}} Ask
 * @typedef {(content: Record<string, unknown>, callbacks?: unknown, buffers?: ArrayBuffer[]) => void} Send
 */

/** Milliseconds after which a reader is told that the kernel has not answered. */
const PATIENCE = 3000;
/** Asks that turn nothing. */
const QUIET = new Set(["tokens", "rest", "download", "save"]);
const LATE = "The kernel has not answered yet. It is busy, or it was restarted: then run this cell again.";
const GONE = "The kernel was stopped or restarted. This is what was shown last; run this cell again to go on.";

/** Sends asks and waits for their answers; of many turns of one knob that wait, only the newest is sent. */
export class Asking {
  /** Of this view, so that another view's answers are not taken for its own. */
  view = Math.random().toString(36).slice(2);
  number = 0;
  /** @type {{number: number, about: string} | null} */
  waiting = null;
  /** @type {{content: Ask, buffers: ArrayBuffer[] | undefined}[]} */
  queue = [];
  late = false;
  gone = false;
  timer = 0;
  /** What is said while it is waited for. */
  local = "";

  /**
   * @param {Send | undefined} send undefined in a page without a kernel
   * @param {() => void} changed called when asking, answered or late
   */
  constructor(send, changed) {
    this.send = send;
    this.changed = changed;
  }

  /** Whether there is, or was, a kernel to be asked. */
  get live() {
    return this.send !== undefined;
  }

  /** Whether nothing is asked that is not answered. */
  get idle() {
    return this.waiting === null && this.queue.length === 0;
  }

  /** Whether a knob was turned, or a clip asked for, that the pictures do not show yet. */
  get behind() {
    const asks = [this.waiting?.about, ...this.queue.map(({ content }) => content.ask)];
    return asks.some((about) => about !== undefined && !QUIET.has(about));
  }

  /** @param {Ask} content @param {ArrayBuffer[]} [buffers] @param {string} [words] said until it is answered */
  ask(content, buffers, words = "") {
    if (!this.live) return;
    this.local = words;
    const same = (/** @type {{content: Ask}} */ other) =>
      other.content.ask === content.ask && other.content.option === content.option;
    this.queue = [...this.queue.filter((other) => !same(other)), { content, buffers }];
    this.next();
  }

  next() {
    if (this.waiting !== null) return;
    const first = this.queue.shift();
    if (first === undefined) return;
    this.number += 1;
    this.waiting = { number: this.number, about: first.content.ask };
    clearTimeout(this.timer);
    this.timer = /** @type {any} */ (setTimeout(() => this.becomeLate(), PATIENCE));
    this.send?.({ ...first.content, view: this.view, number: this.number }, undefined, first.buffers);
    this.changed();
  }

  becomeLate() {
    this.late = true;
    this.changed();
  }

  /** Whether that is what was waited for. @param {[string, number] | []} answered the model's trait */
  answer([view, number]) {
    if (view !== this.view || number !== this.waiting?.number) return false;
    clearTimeout(this.timer);
    this.waiting = null;
    this.late = this.gone = false;
    this.next();
    this.changed();
    return true;
  }

  /** The connection changed: whether somebody still listens, an answer tells. @param {Ask} probe */
  lose(probe) {
    this.gone = true;
    this.waiting = null;
    this.ask(probe);
    this.changed();
  }

  /**
   * What is said in the place for messages, and whether it is a warning.
   * @param {{text?: string, failed?: boolean}} message the model's trait @param {string} stored without a kernel
   */
  words(message, stored) {
    if (!this.live) return { words: stored, failed: false };
    if (this.gone || this.late) return { words: this.gone ? GONE : LATE, failed: true };
    if (!this.idle && this.local) return { words: this.local, failed: false };
    return { words: message?.text ?? "", failed: Boolean(message?.failed) };
  }

  end() {
    clearTimeout(this.timer);
    this.queue = [];
  }
}
