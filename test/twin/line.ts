// The plain twin of kernels/assembly/line.ts: the same grammar, one character at a time, no speed.
//
// Text is latin1: one character a byte, so that offsets are bytes and invalid UTF-8 survives.

export type TwinValue =
  | readonly ["float", number]
  | readonly ["integer" | "unsigned", bigint]
  | readonly ["boolean", boolean]
  | readonly ["string", string];

export interface TwinRow {
  measurement: string;
  /** Canonical series key. */
  key: string;
  time: bigint;
  fields: Map<string, TwinValue>;
}

export interface TwinError {
  lineNumber: number;
  offset: number;
  length: number;
  reason: string;
}

class Refused extends Error {}

function refuse(reason: string): never {
  throw new Refused(reason);
}

const MAX_TIME = 9223372036854775806n;

export function parseLinesPlainly(
  text: string,
  nowNs: bigint,
  unit: bigint,
): { rows: (TwinRow & { lineNumber: number })[]; errors: TwinError[] } {
  const rows: (TwinRow & { lineNumber: number })[] = [];
  const errors: TwinError[] = [];
  const now = nowNs - (((nowNs % unit) + unit) % unit);
  let at = 0;
  while (at < text.length) {
    const start = skipBlank(text, at);
    if (start >= text.length) break;
    if (text[start] === "#" || lineEndsAt(text, start)) {
      const newline = text.indexOf("\n", start);
      at = newline < 0 ? text.length : newline + 1;
      continue;
    }
    try {
      const line = new Line(text, start, now, unit);
      rows.push({ ...line.row(), lineNumber: text.slice(0, start).split("\n").length });
      at = text.indexOf("\n", line.at) < 0 ? text.length : text.indexOf("\n", line.at) + 1;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const end = brokenLineEnd(text, start);
      const shown = end > start && text[end - 1] === "\r" ? end - 1 : end;
      const lineNumber = text.slice(0, start).split("\n").length;
      errors.push({ lineNumber, offset: start, length: shown - start, reason: error.message });
      at = end + 1;
    }
  }
  return { rows, errors };
}

function skipBlank(text: string, from: number): number {
  let at = from;
  while (at < text.length && " \t\0".includes(text[at]!)) at++;
  return at;
}

/** At a newline, at a carriage return before one, or at the end of the text in place of a newline. */
function lineEndsAt(text: string, at: number): boolean {
  const char = text[at] ?? "\n";
  return char === "\n" || (char === "\r" && (text[at + 1] ?? "\n") === "\n");
}

/** Where a line that cannot be parsed ends. */
function brokenLineEnd(text: string, start: number): number {
  let quoted = false;
  let fields = false;
  let equals = 0;
  let commas = 0;
  for (let at = start; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\" && at + 2 < text.length) {
      at++;
      continue;
    }
    if (char === "\n" && !quoted) return at;
    if (char === " ") fields = true;
    if (!fields) continue;
    if (char === '"' && equals > commas) quoted = !quoted;
    if (char === "=" && !quoted) equals++;
    if (char === "," && !quoted) commas++;
  }
  return text.length;
}

class Line {
  readonly #text: string;
  readonly #start: number;
  readonly #now: bigint;
  readonly #unit: bigint;
  at: number;

  constructor(text: string, start: number, now: bigint, unit: bigint) {
    this.#text = text;
    this.#start = start;
    this.#now = now;
    this.#unit = unit;
    this.at = start;
  }

  row(): TwinRow {
    const { measurement, raw, key } = this.#key();
    this.at = skipBlank(this.#text, this.at);
    const fields = this.#fields();
    this.at = skipBlank(this.#text, this.at);
    const time = lineEndsAt(this.#text, this.at) ? this.#now : this.#time();
    if (fields.size === 0)
      refuse(
        `invalid field name: input field "time" on measurement "${show(unescapeMeasurement(raw))}" is invalid`,
      );
    return { measurement, key, time, fields };
  }

  #key(): { measurement: string; raw: string; key: string } {
    const text = this.#text;
    if (text[this.at] === ",") refuse("missing measurement");
    let end = this.at + 1;
    while (text[end] !== " " || text[end - 1] === "\\") {
      if (end >= text.length || (text[end] === "\n" && !this.#newlineIsPartOfName(end))) break;
      end++;
    }
    const cut = text[end] !== " ";
    const whole = text.slice(this.at, cut && text[end - 1] === "\r" && end - 1 > this.at ? end - 1 : end);
    const pieces = split(whole, ",");
    const tags = pieces.slice(1).map((piece) => this.#tag(piece, pieces[0]!));
    if (cut) refuse("missing fields");
    if (whole.length > 65535) refuse("max key length exceeded");
    tags.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    for (let i = 1; i < tags.length; i++) if (tags[i]!.key === tags[i - 1]!.key) refuse("duplicate tags");
    this.at = end;
    const measurement = unescapeMeasurement(pieces[0]!);
    const key = [measurement.replace(/[, ]/g, "\\$&"), ...tags.map((tag) => tag.raw)].join(",");
    return { measurement, raw: pieces[0]!, key };
  }

  #tag(raw: string, measurement: string): { key: string; raw: string } {
    if (raw === "" || raw[0] === "=") refuse("missing tag key");
    const [key, ...rest] = split(raw, "=");
    if (rest.length === 0) refuse("missing tag value");
    if (key === "time")
      refuse(
        `invalid tag key: input tag "time" on measurement "${show(unescapeMeasurement(measurement))}" is invalid`,
      );
    if (rest.length === 1 && rest[0] === "") refuse("missing tag value");
    if (rest.length > 1) refuse("invalid tag format");
    return { key: key!.replace(/\\([,= ])/g, "$1"), raw };
  }

  #newlineIsPartOfName(at: number): boolean {
    if (at + 1 >= this.#text.length) return false;
    const backslashes = /\\*$/.exec(this.#text.slice(this.#start, at))![0].length;
    return backslashes % 2 === 1;
  }

  #fields(): Map<string, TwinValue> {
    const fields = new Map<string, TwinValue>();
    for (;;) {
      const name = this.#fieldName();
      const value = this.#value();
      fields.delete(name);
      if (name !== "time") fields.set(name, value);
      if (this.#text[this.at] !== ",") return fields;
      this.at++;
    }
  }

  #fieldName(): string {
    const text = this.#text;
    let name = "";
    const start = this.at;
    for (; text[this.at] !== "="; this.at++) {
      const char = text[this.at] ?? "\n";
      if (char === "\\") {
        const next = text[this.at + 1] ?? "\n";
        if (next === "\n" && (this.at + 2 >= text.length || !this.#escapeFromFieldStart(start, this.at + 1)))
          refuse("invalid field format");
        name += ', ="'.includes(next) ? next : char + next;
        this.at++;
      } else if (", \n".includes(char)) refuse("invalid field format");
      else name += char;
    }
    if (this.at === start) refuse("missing field key");
    this.at++;
    return name;
  }

  #escapeFromFieldStart(start: number, at: number): boolean {
    return /\\*$/.exec(this.#text.slice(start, at))![0].length % 2 === 1;
  }

  #valueEndsAt(at: number): boolean {
    return this.#text[at] === "," || this.#text[at] === " " || lineEndsAt(this.#text, at);
  }

  #value(): TwinValue {
    const text = this.#text;
    if (this.#valueEndsAt(this.at)) refuse("missing field value");
    if (text[this.at] === '"') return this.#string();
    let end = this.at;
    while (!this.#valueEndsAt(end)) end++;
    const word = text.slice(this.at, end);
    this.at = end;
    if (/^[0-9.nN-]/.test(word)) return numberOf(word);
    if (["t", "T", "true", "True", "TRUE"].includes(word)) return ["boolean", true];
    if (["f", "F", "false", "False", "FALSE"].includes(word)) return ["boolean", false];
    return refuse("invalid boolean");
  }

  #string(): TwinValue {
    const text = this.#text;
    let value = "";
    for (this.at++; this.at < text.length; this.at++) {
      const char = text[this.at]!;
      if (char === '"') {
        this.at++;
        return this.#valueEndsAt(this.at) ? ["string", value] : refuse("invalid field format");
      }
      const next = text[this.at + 1];
      if (char === "\\" && next !== undefined) {
        value += next === '"' || next === "\\" ? next : char + next;
        this.at++;
      } else value += char;
    }
    return refuse("unbalanced quotes");
  }

  #time(): bigint {
    let end = this.at;
    if (this.#text[end] === "-") end++;
    while (/[0-9]/.test(this.#text[end] ?? "")) end++;
    const digits = this.#text.slice(this.at, end);
    if (this.#text[end] !== " " && !lineEndsAt(this.#text, end)) refuse("bad timestamp");
    if (digits === "-") refuse(`strconv.ParseInt: parsing "-": invalid syntax`);
    const value = BigInt(digits);
    if (BigInt.asIntN(64, value) !== value)
      refuse(`strconv.ParseInt: parsing "${show(digits)}": value out of range`);
    const time = value * this.#unit;
    if (time > MAX_TIME || time < -MAX_TIME)
      refuse("time outside range -9223372036854775806 - 9223372036854775806");
    while (this.#text[end] === " ") end++;
    if (!lineEndsAt(this.#text, end)) refuse("point is invalid");
    this.at = end;
    return time;
  }
}

function unescapeMeasurement(raw: string): string {
  return raw.replace(/\\([, ="])/g, "$1");
}

/** Splits at the separators that have no backslash before them. */
function split(text: string, separator: string): string[] {
  const pieces: string[] = [];
  let piece = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] === separator && i > 0 && text[i - 1] !== "\\") {
      pieces.push(piece);
      piece = "";
    } else piece += text[i];
  }
  return [...pieces, piece];
}

function numberOf(word: string): TwinValue {
  if (/^-?[0-9]+i$/.test(word)) {
    const digits = word.slice(0, -1);
    if (BigInt.asIntN(64, BigInt(digits)) === BigInt(digits)) return ["integer", BigInt(digits)];
    refuse(
      `unable to parse integer ${show(digits)}: strconv.ParseInt: parsing "${show(digits)}": value out of range`,
    );
  }
  if (/^-?[0-9]+u$/.test(word)) {
    const digits = word.slice(0, -1);
    const what = digits[0] === "-" ? "invalid syntax" : "value out of range";
    if (digits[0] !== "-" && BigInt(digits) < 2n ** 64n) return ["unsigned", BigInt(digits)];
    refuse(`unable to parse unsigned ${show(digits)}: strconv.ParseUint: parsing "${show(digits)}": ${what}`);
  }
  if (/^-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(word)) {
    const value = Number(word);
    return Number.isFinite(value) ? ["float", value] : refuse("invalid float");
  }
  // what remains is wrong: an exponent makes it a wrong float, if all its characters may stand in one
  const letters = /^-?(?:[0-9.]|[eE][+-]?|[iu])+$/.test(word);
  const points = (word.match(/\./g) ?? []).length;
  const exponent = /.[eE]/.test(word);
  const suffix = /[iu]/.test(word);
  return refuse(letters && points < 2 && exponent && !suffix ? "invalid float" : "invalid number");
}

/** At most 200 bytes, as in messages. */
function show(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
