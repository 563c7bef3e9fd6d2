// Queries: the registry of those that run now.
import type { Clock } from "../base/clock.ts";
import { InputError, OverloadedError } from "../base/errors.ts";
import type { QueryRegistry, QueryTicket, RunningQuery } from "../model/queries.ts";
import type { Companions } from "./companions.ts";

/** The thread whose query it is: see `Companions.nextQueryId`. */
export function threadOfQuery(id: bigint, threads: number): number {
  return Number((id - 1n) % BigInt(threads));
}

interface Entry extends QueryTicket {
  readonly text: () => string;
  readonly database: string;
  readonly startMs: number;
  killed: boolean;
}

export class Queries implements QueryRegistry {
  readonly #clock: Clock;
  /** Most that may run at a time; 0 = no bound. */
  readonly #most: number;
  readonly #running = new Map<number, Entry>();
  readonly #companions: Pick<Companions, "running" | "nextQueryId"> | undefined;
  #begun = 0;
  #ended = 0;
  #endedMs = 0;
  #killed = 0;

  /** `companions`: ids are unique and the bound is over all threads. */
  constructor(clock: Clock, most: number, companions?: Pick<Companions, "running" | "nextQueryId">) {
    this.#clock = clock;
    this.#most = most;
    this.#companions = companions;
  }

  /** Since the database was opened; `durationMs` of those that have ended. */
  get statistics(): { active: number; begun: number; ended: number; killed: number; durationMs: number } {
    return {
      active: this.#running.size,
      begun: this.#begun,
      ended: this.#ended,
      killed: this.#killed,
      durationMs: this.#endedMs,
    };
  }

  begin(text: () => string, database: string): QueryTicket {
    const running = this.#companions?.running.count() ?? this.#running.size;
    if (this.#most > 0 && running >= this.#most)
      throw new OverloadedError(`max-concurrent-queries limit exceeded(${running}, ${this.#most})`);
    this.#begun++;
    const id = this.#companions?.nextQueryId() ?? this.#begun;
    const startMs = this.#clock.elapsedMs();
    const end = () => {
      if (!this.#running.delete(id)) return;
      this.#companions?.running.add(-1);
      this.#ended++;
      this.#endedMs += this.#clock.elapsedMs() - startMs;
    };
    const entry: Entry = { id, text, database, startMs, killed: false, end };
    this.#running.set(id, entry);
    this.#companions?.running.add(1);
    return entry;
  }

  list(): readonly RunningQuery[] {
    const nowMs = this.#clock.elapsedMs();
    return [...this.#running.values()].map(({ id, text, database, startMs, killed }) => ({
      ...{ id, text: text(), database, durationMs: nowMs - startMs, killed },
    }));
  }

  kill(id: bigint): void {
    const entry = this.#running.get(Number(id));
    if (entry === undefined) throw new InputError(`no such query id: ${id}`);
    if (entry.killed) throw new InputError("already killed");
    entry.killed = true;
    this.#killed++;
  }
}
