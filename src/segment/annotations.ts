// What a parser says about the bytes it reads, gathered as the lines of an annotated dump.
import { Cursor } from "./bytes.ts";

interface Note {
  readonly at: number;
  readonly sizeBytes: number;
  readonly section: string;
  readonly label: string;
  readonly value: string;
}

const SHOWN_BYTES = 12;
const HEX_COLUMNS = SHOWN_BYTES * 3 - 1;

export class Annotations {
  readonly #file: string;
  readonly #bytes: Uint8Array;
  readonly #notes: Note[] = [];
  #section = "";

  constructor(file: string, bytes: Uint8Array) {
    this.#file = file;
    this.#bytes = bytes;
  }

  /** The notes that follow belong to this part of the file. */
  section(title: string): void {
    this.#section = title;
  }

  /** Says what stands in `sizeBytes` at `at`; 0 bytes: a remark about the bytes before. */
  note(at: number, sizeBytes: number, label: string, value = ""): void {
    this.#notes.push({ at, sizeBytes, section: this.#section, label, value });
  }

  /** A cursor over the file whose reads become notes. */
  cursor(at: number, end: number): Cursor {
    return new NotingCursor(this, this.#file, this.#bytes, at, end);
  }

  /**
   * The dump: a line for each note in file order (offset, bytes in hexadecimal, meaning), a heading for each section,
   * and a line for each range that nothing was said about.
   */
  *lines(): Generator<string> {
    const numbers = numberedLabels(this.#notes);
    const order = this.#notes
      .map((_, i) => i)
      .sort((a, b) => this.#notes[a]!.at - this.#notes[b]!.at || a - b);
    let section = "";
    let end = 0;
    for (const i of order) {
      const note = this.#notes[i]!;
      if (note.at > end) yield this.#line(end, note.at - end, "NOT DESCRIBED");
      if (note.section !== section) yield `\n${note.section}`;
      section = note.section;
      const label = numbers[i] === undefined ? note.label : `${note.label} [${numbers[i]}]`;
      yield this.#line(note.at, note.sizeBytes, note.value === "" ? label : `${label}: ${note.value}`);
      end = Math.max(end, note.at + note.sizeBytes);
    }
    if (end < this.#bytes.length) yield this.#line(end, this.#bytes.length - end, "NOT DESCRIBED");
  }

  #line(at: number, sizeBytes: number, meaning: string): string {
    if (sizeBytes === 0) return `${" ".repeat(8 + 2 + HEX_COLUMNS + 2)}${meaning}`;
    const shown = this.#bytes.subarray(at, at + Math.min(sizeBytes, SHOWN_BYTES));
    const more = sizeBytes > SHOWN_BYTES ? ` (${sizeBytes} bytes)` : "";
    return `${String(at).padStart(8)}  ${hex(shown).padEnd(HEX_COLUMNS)}  ${meaning}${more}`;
  }
}

class NotingCursor extends Cursor {
  readonly #annotations: Annotations;

  constructor(annotations: Annotations, file: string, bytes: Uint8Array, at: number, end: number) {
    super(file, bytes, at, end);
    this.#annotations = annotations;
  }

  override section(title: string): void {
    this.#annotations.section(title);
  }

  protected override note(
    sizeBytes: number,
    label: string,
    value: number | bigint | string | Uint8Array,
    radix = 10,
  ): void {
    let shown = "";
    if (typeof value === "string") shown = JSON.stringify(value).slice(1, -1);
    else if (radix === 16) shown = `0x${value.toString(16).padStart(8, "0")}`;
    else if (!(value instanceof Uint8Array)) shown = String(value);
    this.#annotations.note(this.at - sizeBytes, sizeBytes, label, shown);
  }
}

/** For each note whose label occurs more than once in its section, its number among them. */
function numberedLabels(notes: readonly Note[]): (number | undefined)[] {
  const key = ({ section, label }: Note) => `${section}\n${label}`;
  const totals = new Map<string, number>();
  for (const note of notes) totals.set(key(note), (totals.get(key(note)) ?? 0) + 1);
  const seen = new Map<string, number>();
  return notes.map((note) => {
    const number = seen.get(key(note)) ?? 0;
    seen.set(key(note), number + 1);
    return note.sizeBytes > 0 && totals.get(key(note))! > 1 ? number : undefined;
  });
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
