// Points as plain JSON -> line protocol, which the parser of lines then reads (line.ts): the same points in another
// spelling, in either shape of a point (ingest/jsonpoint.ts), one of them, an array, or one a line.
//
//   {"measurement": "m", "tags": {"host": "a b"}, "fields": {"f": 1.5, "s": "x"}, "time": 5}   m,host=a\ b f=1.5,s="x" 5
//
// Plain is what most clients send: strings without escapes, integers of up to 15 digits (which a float holds), integer
// times, no null, no empty name, each key of a point once. What is not is left to the reader in TypeScript, which also says
// what is wrong: so all that is written here must be what that reader takes.
import { BACKSLASH, COMMA, EQUALS, HASH, MINUS, NEWLINE, QUOTE, RETURN, SPACE, TAB } from "./line/text";

const COLON: u8 = 0x3a;
const OPEN: u8 = 0x7b;
const CLOSE: u8 = 0x7d;
const OPEN_LIST: u8 = 0x5b;
const CLOSE_LIST: u8 = 0x5d;
const ZERO: u8 = 0x30;
/** Integers of so many digits are exact as floats. */
const EXACT_DIGITS: u32 = 15;
const TIME_DIGITS: u32 = 19;

const MEASUREMENT: usize = memory.data<u8>([0x6d, 0x65, 0x61, 0x73, 0x75, 0x72, 0x65, 0x6d, 0x65, 0x6e, 0x74]);
const METRIC: usize = memory.data<u8>([0x6d, 0x65, 0x74, 0x72, 0x69, 0x63]);
const TAGS: usize = memory.data<u8>([0x74, 0x61, 0x67, 0x73]);
const FIELDS: usize = memory.data<u8>([0x66, 0x69, 0x65, 0x6c, 0x64, 0x73]);
const VALUE: usize = memory.data<u8>([0x76, 0x61, 0x6c, 0x75, 0x65]);
const TIMESTAMP: usize = memory.data<u8>([0x74, 0x69, 0x6d, 0x65, 0x73, 0x74, 0x61, 0x6d, 0x70]);

let p: usize = 0; // what is read next; behind the body stands 0, which nothing takes
let out: usize = 0; // where the next byte is written
let isOneALine = false; // no newline inside a point

/**
 * Writes the points of the `bodyBytes` bytes at `body`, UTF-8 with room for one more, as lines to `lines`, where there is room for
 * twice as many. Returns the bytes written, 0 when the body is not plain.
 */
export function jsonToLines(body: usize, bodyBytes: u32, lines: usize): u32 {
  const end = body + bodyBytes;
  store<u8>(end, 0);
  begin(body, lines, false);
  skip();
  if (load<u8>(p) == OPEN_LIST) {
    do {
      p++;
      skip();
      if (!point()) return 0;
      skip();
    } while (load<u8>(p) == COMMA);
    if (load<u8>(p++) != CLOSE_LIST) return 0;
  } else if (!point()) return 0;
  skip();
  if (p == end) return <u32>(out - lines);
  begin(body, lines, true);
  do {
    if (!point()) return 0;
    skip();
    while (load<u8>(p) == NEWLINE) {
      p++;
      if (load<u8>(p) != OPEN) skip();
    }
  } while (load<u8>(p - 1) == NEWLINE && load<u8>(p) == OPEN);
  return p == end ? <u32>(out - lines) : 0;
}

function begin(body: usize, lines: usize, oneALine: bool): void {
  p = body;
  out = lines;
  isOneALine = oneALine;
}

function skip(): void {
  while (true) {
    const c = load<u8>(p);
    if (c != SPACE && c != TAB && c != RETURN && (c != NEWLINE || isOneALine)) return;
    p++;
  }
}

/** One point; false: it is not plain. */
function point(): bool {
  let name: usize = 0;
  let tags: usize = 0;
  let fields: usize = 0;
  let value: usize = 0;
  let time: usize = 0;
  if (load<u8>(p) != OPEN) return false;
  do {
    p++;
    skip();
    const key = p + 1;
    if (!skipString()) return false;
    const bytes = <u32>(p - 1 - key);
    if (!colon()) return false;
    const at = p;
    if (is(key, bytes, MEASUREMENT, 11) || is(key, bytes, METRIC, 6)) {
      if (name != 0 || !skipString()) return false;
      name = at;
    } else if (is(key, bytes, TAGS, 4)) {
      if (tags != 0 || !skipObject()) return false;
      tags = at;
    } else if (is(key, bytes, FIELDS, 6)) {
      if (fields != 0 || !skipObject()) return false;
      fields = at;
    } else if (is(key, bytes, VALUE, 5)) {
      if (value != 0 || !scalar(false)) return false;
      value = at;
    } else if (is(key, bytes, TIMESTAMP, 4) || is(key, bytes, TIMESTAMP, 9)) {
      if (time != 0 || !number() || digits == 0 || digits > TIME_DIGITS) return false;
      time = at;
    } else return false;
    skip();
  } while (load<u8>(p) == COMMA);
  if (load<u8>(p++) != CLOSE) return false;
  const end = p;
  if (name == 0 || (fields == 0) == (value == 0)) return false;
  p = name;
  if (load<u8>(name, 1) == HASH || !putName(false)) return false;
  if (tags != 0 && !putTags(tags)) return false;
  put(SPACE);
  if (fields != 0) {
    if (!putFields(fields)) return false;
  } else {
    memory.copy(out, VALUE, 5);
    out += 5;
    put(EQUALS);
    p = value;
    scalar(true);
  }
  if (time != 0) {
    put(SPACE);
    p = time;
    number();
    copy(time);
  }
  put(NEWLINE);
  p = end;
  return true;
}

@inline function is(key: usize, keyBytes: u32, word: usize, wordBytes: u32): bool {
  return keyBytes == wordBytes && memory.compare(key, word, wordBytes) == 0;
}

/** A colon, and what may stand around it. */
function colon(): bool {
  skip();
  if (load<u8>(p) != COLON) return false;
  p++;
  skip();
  return true;
}

/** A string without escapes. */
function skipString(): bool {
  if (load<u8>(p) != QUOTE) return false;
  while (true) {
    const c = load<u8>(++p);
    if (c == QUOTE) break;
    if (c == BACKSLASH || c < SPACE) return false;
  }
  p++;
  return true;
}

/** To the end of an object; what stands in it is looked at when it is written. */
function skipObject(): bool {
  if (load<u8>(p) != OPEN) return false;
  while (true) {
    const c = load<u8>(p);
    if (c == QUOTE) {
      if (!skipString()) return false;
      continue;
    }
    p++;
    if (c == CLOSE) return true;
    if (c == 0) return false;
  }
}

/** Of the last number: how many digits it has when it is an integer, else 0. */
let digits: u32 = 0;

function number(): bool {
  if (load<u8>(p) == MINUS) p++;
  const first = p;
  if (!skipDigits() || (load<u8>(first) == ZERO && p != first + 1)) return false;
  digits = <u32>(p - first);
  if (load<u8>(p) == 0x2e) {
    digits = 0;
    p++;
    if (!skipDigits()) return false;
  }
  if ((load<u8>(p) | 0x20) == 0x65) {
    digits = 0;
    p++;
    const sign = load<u8>(p);
    if (sign == MINUS || sign == 0x2b) p++;
    if (!skipDigits()) return false;
  }
  return true;
}

function skipDigits(): bool {
  const first = p;
  while (<u32>load<u8>(p) - ZERO <= 9) p++;
  return p != first;
}

/** A value of a field; `write`: as it stands. */
function scalar(write: bool): bool {
  const start = p;
  const c = load<u8>(p);
  if (c == QUOTE) {
    if (!skipString()) return false;
  } else if (c == 0x74 && load<u32>(p) == 0x65757274) p += 4; // true
  else if (c == 0x66 && load<u32>(p, 1) == 0x65736c61) p += 5; // false
  else if (!number() || digits > EXACT_DIGITS) return false;
  if (write) copy(start);
  return true;
}

@inline function put(c: u8): void {
  store<u8>(out++, c);
}

/** What was read from `start` on. */
function copy(start: usize): void {
  memory.copy(out, start, p - start);
  out += p - start;
}

/** A string as a name, which has a backslash before what would end it; false: there is none, or an empty one. */
function putName(isTag: bool): bool {
  const start = p;
  if (!skipString() || p == start + 2) return false;
  for (let at = start + 1; at < p - 1; at++) {
    const c = load<u8>(at);
    if (c == COMMA || c == SPACE || (c == EQUALS && isTag)) put(BACKSLASH);
    put(c);
  }
  return true;
}

function putTags(tags: usize): bool {
  p = tags + 1;
  skip();
  if (load<u8>(p) == CLOSE) return true;
  p = tags;
  do {
    p++;
    skip();
    put(COMMA);
    if (!putName(true) || !colon()) return false;
    put(EQUALS);
    if (!putName(true)) return false;
    skip();
  } while (load<u8>(p) == COMMA);
  return load<u8>(p) == CLOSE;
}

function putFields(fields: usize): bool {
  p = fields;
  do {
    if (p != fields) put(COMMA);
    p++;
    skip();
    if (!putName(true) || !colon()) return false;
    put(EQUALS);
    if (!scalar(true)) return false;
    skip();
  } while (load<u8>(p) == COMMA);
  return load<u8>(p) == CLOSE;
}
