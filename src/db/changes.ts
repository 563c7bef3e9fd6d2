// Changes over several threads: what takes rows of all of them away, DROP and DELETE by tags and time. Each thread does its part and
// has it in its own log, so a crash of the process may come between two of them. The change is written down before the first thread
// does its part, in the file `change`, until all have: the next start does the rest (unfinished.ts).
//
//   a crash before the file is there     nothing was done, nothing is
//   while the threads do their parts     what a log says is done is not done again: rows may have been written since that are not
//                                        the change's to take (`ChangeProgress`; drops are done again: what comes under a name that
//                                        goes has to wait, or goes, too)
//   when all have, but the file is there nothing is left to do but names
//
// One change goes after the other, and no other change of names comes between: the file's is the last one.
import type { Disk } from "../disk/disk.ts";
import { folderOf, replaceFile } from "../disk/disk.ts";
import { decodeSealedBytes, encodeSealedBytes } from "../disk/sealed.ts";
import type { DeleteRequest } from "../model/deletions.ts";
import { decodeJson, encodeJson, encodeProgress, type Progress, type Step } from "./record.ts";

export const CHANGE_KIND = "serie change";
const VERSION = 1;

/** What is done in every thread. */
export type Change =
  /** `measurement`: null = all of the database. */
  | { readonly kind: "drop"; readonly database: string; readonly measurement: string | null }
  | { readonly kind: "drop policy"; readonly database: string; readonly policy: string }
  | { readonly kind: "drop shard"; readonly shard: bigint }
  /** None of them by values. */
  | { readonly kind: "delete"; readonly requests: readonly DeleteRequest[] };

export interface PendingChange {
  /** Of this change alone. */
  readonly id: string;
  readonly change: Change;
}

/** The file. */
export class ChangeFile {
  readonly #disk: Disk;
  readonly #path: string;

  constructor(disk: Disk, dataDir: string) {
    this.#disk = disk;
    this.#path = `${dataDir}/change`;
  }

  /** The change that has begun and not ended; null: there is none. Throws `CorruptionError`. */
  read(): PendingChange | null {
    if (!this.#disk.exists(this.#path)) return null;
    const bytes = this.#disk.readFile(this.#path);
    return decodeJson(decodeSealedBytes(CHANGE_KIND, VERSION, bytes, this.#path)) as PendingChange;
  }

  /** Durable when resolved. Throws `DiskError`: it may be there then, or not. */
  async write(change: Change): Promise<PendingChange> {
    const pending = { id: crypto.randomUUID(), change };
    await replaceFile(this.#disk, this.#path, encodeSealedBytes(CHANGE_KIND, VERSION, [encodeJson(pending)]));
    return pending;
  }

  /** For good when resolved. */
  async remove(): Promise<void> {
    if (this.#disk.exists(this.#path)) this.#disk.unlink(this.#path);
    await this.#disk.syncFolder(folderOf(this.#path));
  }
}

/** The part of one thread, step by step; each step is one deletion in its log. */
export interface Steps {
  /** Whether a step was done before this thread, or the process, was started again. */
  isDone(step: number): boolean;
  /** What the record of a step has to say. */
  of(step: number): Step | undefined;
  /** The step is in the log and in memory. */
  done(step: number): void;
}

/** Of what is no change over several threads. */
export const NO_STEPS: Steps = { isDone: () => false, of: () => undefined, done: () => undefined };

/** How far one thread is with its part of the change that is under way. */
export class ChangeProgress {
  readonly #done = new Set<number>();
  #change: string | undefined;

  /** Takes over what a record of the log says. */
  replay({ change, done }: Progress): void {
    this.#begin(change);
    for (const step of done) this.#done.add(step);
  }

  /** `change`: its id; absent: nobody asks how far it is. */
  steps(change: string | undefined): Steps {
    if (change === undefined) return NO_STEPS;
    return {
      isDone: (step) => change === this.#change && this.#done.has(step),
      of: (step) => ({ change, step }),
      done: (step) => {
        this.#begin(change);
        this.#done.add(step);
      },
    };
  }

  /** The record that a flush, which trims the log, leaves there: the change may not be over. null: none is needed. */
  get record(): Uint8Array | null {
    return this.#change === undefined
      ? null
      : encodeProgress({ change: this.#change, done: [...this.#done] });
  }

  /** No change is under way of which anything was done here. */
  over(): void {
    this.#change = undefined;
    this.#done.clear();
  }

  #begin(change: string): void {
    if (change === this.#change) return;
    this.over();
    this.#change = change;
  }
}
