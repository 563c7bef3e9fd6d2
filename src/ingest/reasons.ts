// The words for a refused line: InfluxDB's, so that clients and people recognise them, and where the line stands.

/** One refused line. */
export interface LineError {
  /** From 1; every newline counts, those inside strings too. */
  readonly lineNumber: number;
  /** Where the line starts in the body, and its length without the line's end, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** What is wrong: `missing fields`. */
  readonly reason: string;
  /** The whole: `unable to parse 'm': missing fields at line 1`, or the reason alone where the line could be read. */
  readonly message: string;
}

/** A reason for which rows of a batch were refused, and the first of them. */
export interface Refusal {
  /** In InfluxDB's words. */
  readonly reason: string;
  /** Which table of the batch, and which row of it. */
  readonly table: number;
  readonly row: number;
}

/** What is wrong with a line or a point, said in full, and which one of the body it is. */
export interface Located {
  readonly number: number;
  readonly text: string;
}

/** Lines longer than this are cut in messages, bytes. */
const SHOWN_BYTES = 200;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** By code: see kernels/assembly/line/reason.ts. `detail` is the piece of the line that the reason is about. */
const reasons: Readonly<Record<number, (detail: string) => string>> = {
  1: () => "missing measurement",
  2: () => "missing fields",
  3: () => "missing tag key",
  4: () => "missing tag value",
  5: () => "invalid tag format",
  6: () => "duplicate tags",
  7: () => "max key length exceeded",
  8: (name) => `invalid tag key: input tag "time" on measurement "${unescapeMeasurement(name)}" is invalid`,
  9: () => "missing field key",
  10: () => "missing field value",
  11: () => "invalid field format",
  12: () => "unbalanced quotes",
  13: () => "invalid number",
  14: () => "invalid float",
  15: () => "invalid boolean",
  16: (digits) => `unable to parse integer ${digits}: ${outOfRange("ParseInt", digits)}`,
  17: (digits) => `unable to parse unsigned ${digits}: ${outOfRange("ParseUint", digits)}`,
  18: (digits) => `unable to parse unsigned ${digits}: ${invalidSyntax("ParseUint", digits)}`,
  19: (name) =>
    `invalid field name: input field "time" on measurement "${unescapeMeasurement(name)}" is invalid`,
  20: () => "bad timestamp",
  21: (digits) => outOfRange("ParseInt", digits),
  22: (digits) => invalidSyntax("ParseInt", digits),
  23: () => "time outside range -9223372036854775806 - 9223372036854775806",
  24: () => "point is invalid",
};

/** Reasons of lines that are line protocol, and no points: a tag or a field that is called `time`. */
const readable: ReadonlySet<number> = new Set([8, 19]);

export function lineError(
  body: Uint8Array,
  lineNumber: number,
  offset: number,
  length: number,
  code: number,
  detail: Uint8Array,
): LineError {
  const reason = reasons[code]?.(shown(detail)) ?? `refused with code ${code}`;
  const line = shown(body.subarray(offset, offset + length));
  return {
    lineNumber,
    offset,
    length,
    reason,
    message: atLine(readable.has(code) ? reason : `unable to parse '${line}': ${reason}`, lineNumber),
  };
}

export function atLine(reason: string, lineNumber: number): string {
  return `${reason} at line ${lineNumber}`;
}

/** At most 200 bytes, never half a character. */
function shown(bytes: Uint8Array): string {
  if (bytes.length <= SHOWN_BYTES) return utf8.decode(bytes);
  let end = SHOWN_BYTES;
  while (end > SHOWN_BYTES - 3 && (bytes[end]! & 0xc0) === 0x80) end--;
  return `${utf8.decode(bytes.subarray(0, end))}...`;
}

function outOfRange(parser: string, digits: string): string {
  return `strconv.${parser}: parsing "${digits}": value out of range`;
}

function invalidSyntax(parser: string, digits: string): string {
  return `strconv.${parser}: parsing "${digits}": invalid syntax`;
}

function unescapeMeasurement(raw: string): string {
  return raw.replace(/\\([, ="])/g, "$1");
}
