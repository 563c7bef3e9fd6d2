// Changes of several steps: what takes rows of all threads away, DROP and DELETE by tags and time, and such a DELETE of several
// measurements in one thread. Each thread does its part and has it in its own log, a record a measurement, so a crash of the process
// may come between two of them. The change is written down before the first step, in the file `change`, until all are done: the next
// start does the rest (unfinished.ts).
//
//   a crash before the file is there     nothing was done, nothing is
//   while the threads do their parts     what a log says is done is not done again: rows may have been written since that are not
//                                        the change's to take (`ChangeProgress`; drops are done again: what comes under a name that
//                                        goes has to wait, or goes, too)
//   when all have, but the file is there nothing is left to do but names
//
// One change goes after the other, and where it takes names no other change of these comes between: the file's is the last one.
import type { DiskError } from "../base/errors.ts";
import type { Disk } from "../disk/disk.ts";
import { folderOf, replaceFile } from "../disk/disk.ts";
import { decodeSealedBytes, encodeSealedBytes } from "../disk/sealed.ts";
import type { DeleteRequest } from "../model/deletions.ts";
import type { Maintenance } from "./maintenance.ts";
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

/** Whose change it is. */
export interface Changed {
  readonly isClosed: boolean;
  readonly engine: { readonly changes: ChangeProgress; readonly maintenance: Maintenance };
}

/** Changes, one after the other. */
export class Changes {
  readonly #file: ChangeFile;
  readonly #tellOthers: () => Promise<unknown>;
  #isUnderWay = false;

  /** `tellOthers`: tells other threads that a change is over. */
  constructor(file: ChangeFile, tellOthers: () => Promise<unknown> = async () => undefined) {
    this.#file = file;
    this.#tellOthers = tellOthers;
  }

  /** Whether a change is written down that may not be done everywhere. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /**
   * Has `work` do a change, which gets its id: it is written down until that has, so that a crash leaves all of it or nothing. Where
   * it could not be done, it stays as it is then; when the database closes before it is done, the next start does the rest.
   */
  async whole<T>(db: Changed, change: Change, work: (id: string) => Promise<T>): Promise<T> {
    this.#isUnderWay = true;
    let done: T;
    try {
      const { id } = await this.#file.write(change);
      done = await work(id);
    } catch (error) {
      // (closed, nothing comes after it but the next start)
      if (!db.isClosed) await this.#end(db);
      throw error;
    }
    await this.#end(db);
    return done;
  }

  async #end({ engine }: Changed): Promise<void> {
    try {
      await this.#file.remove();
    } catch (error) {
      // a start would do it again, after whatever may come now
      engine.maintenance.fail(error as DiskError);
      throw error;
    }
    this.#isUnderWay = false;
    engine.changes.over();
    // (one that is being started is told at the end of that)
    await this.#tellOthers();
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

/** Of what is one step. */
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
