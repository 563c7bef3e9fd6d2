// Numbers of a JSON answer, as text and as ASCII bytes without a string each.
//
// Values with few decimals (what sensors and rounded figures send) are written from an integer: if d / 10^k gives the value
// back, then d with its point k digits from the right is its shortest decimal form, because d has at most 15 digits and no
// two decimals of up to 15 digits are the same double. All others go through the text that JavaScript makes of them.

const ZERO = 48;
const MINUS = 45;
const POINT = 46;
/** Hundredths of what is below it are int32. */
const SMALL = 2e7;
/** An integer below it has at most 15 digits. */
const END = 1e15;

/** Bytes that `putNumber` writes at most. */
export const MOST_NUMBER_BYTES = 32;

/** As Go's encoding/json: shortest digits (exponents from 1e21 and below 1e-6), `-0` kept; JSON has no NaN. */
export function numberText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  return Number.isFinite(value) ? String(value) : "null";
}

/** Writes `numberText(value)` and gives the place behind it. */
export function putNumber(bytes: Uint8Array, at: number, value: number): number {
  const size = value < 0 ? -value : value;
  if (size < SMALL && value !== 0) {
    // 32-bit arithmetic all the way
    const hundredths = (size * 100 + 0.5) | 0;
    if (hundredths / 100 === size) {
      let from = at;
      if (value < 0) bytes[from++] = MINUS;
      return putHundredths(bytes, from, hundredths);
    }
  }
  if (size < END && value !== 0) {
    const isWhole = Math.floor(size) === size;
    const scaled = isWhole ? size : Math.round(size * 10_000);
    if (isWhole || (scaled < END && scaled / 10_000 === size)) {
      let from = at;
      if (value < 0) bytes[from++] = MINUS;
      return isWhole ? putWhole(bytes, from, size) : putTenThousandths(bytes, from, scaled);
    }
  }
  return putText(bytes, at, numberText(value));
}

/** Writes ASCII text and gives the place behind it. */
export function putText(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

function putHundredths(bytes: Uint8Array, at: number, hundredths: number): number {
  const whole = (hundredths / 100) | 0;
  const rest = hundredths - whole * 100;
  let end = at;
  if (whole < 10) bytes[end++] = ZERO + whole;
  else if (whole < 100) {
    const tens = (whole / 10) | 0;
    bytes[end] = ZERO + tens;
    bytes[end + 1] = ZERO + whole - tens * 10;
    end += 2;
  } else end = putWhole(bytes, at, whole);
  if (rest === 0) return end;
  const tenths = (rest / 10) | 0;
  bytes[end] = POINT;
  bytes[end + 1] = ZERO + tenths;
  if (rest === tenths * 10) return end + 2;
  bytes[end + 2] = ZERO + rest - tenths * 10;
  return end + 3;
}

function putTenThousandths(bytes: Uint8Array, at: number, scaled: number): number {
  const whole = Math.floor(scaled / 10_000);
  let rest = scaled - whole * 10_000;
  const point = putWhole(bytes, at, whole);
  bytes[point] = POINT;
  for (let i = 4; i > 0; i--) {
    const left = (rest / 10) | 0;
    bytes[point + i] = ZERO + rest - left * 10;
    rest = left;
  }
  let end = point + 5;
  while (bytes[end - 1] === ZERO) end--;
  return end;
}

/** A whole number in [0, 10^15). */
function putWhole(bytes: Uint8Array, at: number, value: number): number {
  let length = 1;
  for (let bound = 10; bound <= value; bound *= 10) length++;
  let left = value;
  for (let i = at + length - 1; i >= at; i--) {
    const rest = Math.floor(left / 10);
    bytes[i] = ZERO + (left - rest * 10);
    left = rest;
  }
  return at + length;
}
