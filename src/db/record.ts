// Records of the log: a WriteBatch (model/batch.ts) as it is, or a drop.
//
//   drop   u32 magic "SDR1"   JSON { database, measurement }, measurement null = the whole database
import { BATCH_MAGIC } from "../model/batch.ts";

const DROP_MAGIC = 0x31524453; // "SDR1"

export interface Drop {
  readonly database: string;
  readonly measurement: string | null;
}

export function encodeDrop(drop: Drop): Uint8Array {
  const body = new TextEncoder().encode(JSON.stringify(drop));
  const record = new Uint8Array(4 + body.length);
  new DataView(record.buffer).setUint32(0, DROP_MAGIC, true);
  record.set(body, 4);
  return record;
}

/** What a record is; null when it is neither. */
export function recordKind(record: Uint8Array): "batch" | "drop" | null {
  if (record.length < 4) return null;
  const magic = new DataView(record.buffer, record.byteOffset).getUint32(0, true);
  return magic === BATCH_MAGIC ? "batch" : magic === DROP_MAGIC ? "drop" : null;
}

export function decodeDrop(record: Uint8Array): Drop {
  return JSON.parse(new TextDecoder().decode(record.subarray(4))) as Drop;
}
