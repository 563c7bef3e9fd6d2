// Numbers of a JSON answer as text.

/** As Go's encoding/json: shortest digits (exponents from 1e21 and below 1e-6), `-0` kept; JSON has no NaN. */
export function numberText(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  return Number.isFinite(value) ? String(value) : "null";
}
