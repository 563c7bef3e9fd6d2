// Sealed JSON: the form of small files that are replaced as a whole (disk.ts, replaceFile) and read by people, too.
//
//   <kind> <version> <xxHash64 of the body, 16 hex digits> <length of the body in bytes>\n
//   <body: JSON>\n
//
// Bytes can be sealed in the same way.
import { CorruptionError, InputError } from "../base/errors.ts";

export function encodeSealed(kind: string, version: number, body: unknown): Uint8Array {
  return encodeSealedBytes(kind, version, [new TextEncoder().encode(JSON.stringify(body))]);
}

/** The parts, one after the other, sealed. */
export function encodeSealedBytes(kind: string, version: number, parts: readonly Uint8Array[]): Uint8Array {
  const encoder = new TextEncoder();
  const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  const head = encoder.encode(`${kind} ${version} ${checksum(body)} ${body.length}\n`);
  return Buffer.concat([head, body, encoder.encode("\n")]);
}

/**
 * The body. Throws `CorruptionError` on anything but the bytes of `encodeSealed`, and `InputError` for a version that
 * this serie does not know.
 */
export function decodeSealed(
  kind: string,
  version: number | readonly number[],
  bytes: Uint8Array,
  path: string,
): unknown {
  return JSON.parse(new TextDecoder().decode(decodeSealedBytes(kind, version, bytes, path)));
}

/** The body's bytes. Throws as `decodeSealed` does. */
export function decodeSealedBytes(
  kind: string,
  version: number | readonly number[],
  bytes: Uint8Array,
  path: string,
): Uint8Array {
  const end = bytes.indexOf(10);
  const head = new TextDecoder().decode(bytes.subarray(0, Math.max(0, end)));
  const match = /^(.+) ([0-9]+) ([0-9a-f]{16}) ([0-9]+)$/.exec(head);
  if (!match || match[1] !== kind) throw new CorruptionError(path, 0, `no header of ${kind}`);
  const length = Number(match[4]);
  const body = bytes.subarray(end + 1, end + 1 + length);
  if (bytes.length !== end + 2 + length || bytes[bytes.length - 1] !== 10)
    throw new CorruptionError(path, end + 1, `the body is not ${length} bytes long`);
  if (checksum(body) !== match[3]) throw new CorruptionError(path, end + 1, "the checksum does not match");
  const known = [version].flat();
  if (!known.includes(Number(match[2])))
    throw new InputError(`${path} has format version ${match[2]}, this serie reads ${known.join(" and ")}`);
  return body;
}

function checksum(bytes: Uint8Array): string {
  return Bun.hash.xxHash64(bytes).toString(16).padStart(16, "0");
}
