// Subscriptions: kept in their file, each with the queues of what it sends on (forwarding.ts).
//
// A subscription whose database is gone (a crash came between the two files) is passed over when the file is read.

import { type DiskError, InputError, NotFoundError } from "../base/errors.ts";
import { urlWithoutPassword } from "../base/redact.ts";
import type { Subscription, Subscriptions } from "../model/subscriptions.ts";
import { type AcceptedWrite, type ForwardCounters, ForwardQueue } from "./forwarding.ts";
import type { SealedList } from "./sealed-list.ts";
import type { Place } from "./stored.ts";

interface Entry {
  readonly subscription: Subscription;
  readonly queues: readonly ForwardQueue[];
}

export class Forwarder implements Subscriptions {
  /** Told of a change that is on disk, before it is answered. */
  onChange: () => Promise<void> = async () => undefined;
  readonly #file: SealedList<Subscription>;
  readonly #hasDatabase: (database: string) => boolean;
  readonly #counters: ForwardCounters = { sent: 0, dropped: 0, failed: 0 };
  #entries: Entry[];

  /** Reads the file. Throws `CorruptionError`. */
  constructor(file: SealedList<Subscription>, hasDatabase: (database: string) => boolean) {
    this.#file = file;
    this.#hasDatabase = hasDatabase;
    this.#entries = file
      .read()
      .filter(({ database }) => hasDatabase(database))
      .map((subscription) => this.#entryOf(subscription));
  }

  get failure(): DiskError | undefined {
    return this.#file.failure;
  }

  get statistics(): Readonly<ForwardCounters> & { readonly count: number } {
    return { ...this.#counters, count: this.#entries.length };
  }

  /** Whether anyone wants the writes of a retention policy. */
  wants({ database, retentionPolicy }: { database: string; retentionPolicy: string }): boolean {
    return this.#entries.some(
      ({ subscription: each }) => each.database === database && each.retentionPolicy === retentionPolicy,
    );
  }

  /** The retention policies whose writes are wanted. */
  places(): Place[] {
    return this.#entries.map(({ subscription: { database, retentionPolicy } }) => ({
      database,
      retentionPolicy,
    }));
  }

  /** Takes a write that is durable; returns at once. */
  offer(write: AcceptedWrite): void {
    for (const { subscription, queues } of this.#entries) {
      if (subscription.database !== write.database) continue;
      if (subscription.retentionPolicy !== write.retentionPolicy) continue;
      for (const queue of queues) queue.offer(write);
    }
  }

  /** Resolves when all that was offered has been sent or given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#entries.flatMap(({ queues }) => queues.map((queue) => queue.settled())));
  }

  list(database: string): readonly Subscription[] {
    return this.#entries
      .map(({ subscription }) => subscription)
      .filter((subscription) => subscription.database === database);
  }

  async create(subscription: Subscription): Promise<void> {
    for (const destination of subscription.destinations) checkDestination(destination);
    const { database, retentionPolicy, name } = subscription;
    if (this.#entries.some(is(database, retentionPolicy, name)))
      throw new InputError("subscription already exists");
    if (!this.#hasDatabase(database)) throw new NotFoundError(`database not found: ${database}`);
    this.#entries.push(this.#entryOf(subscription));
    await this.#save();
  }

  async drop(database: string, retentionPolicy: string, name: string): Promise<void> {
    const which = is(database, retentionPolicy, name);
    if (!this.#entries.some(which)) throw new NotFoundError("subscription not found");
    await this.#remove(which);
  }

  /** Removes those of a database; durable when resolved. */
  async dropDatabase(database: string): Promise<void> {
    await this.#remove(({ subscription }) => subscription.database === database);
  }

  /** Removes those of a retention policy; durable when resolved. */
  async dropPolicy(database: string, retentionPolicy: string): Promise<void> {
    await this.#remove(
      ({ subscription: each }) => each.database === database && each.retentionPolicy === retentionPolicy,
    );
  }

  /** Gives up what waits. */
  async close(): Promise<void> {
    await Promise.all(this.#entries.flatMap(({ queues }) => queues.map((queue) => queue.close())));
  }

  async #remove(which: (entry: Entry) => boolean): Promise<void> {
    const gone = this.#entries.filter(which);
    if (gone.length === 0) return;
    this.#entries = this.#entries.filter((entry) => !gone.includes(entry));
    for (const { queues } of gone) for (const queue of queues) void queue.close();
    await this.#save();
  }

  async #save(): Promise<void> {
    await this.#file.save(() => this.#entries.map(({ subscription }) => subscription));
    await this.onChange();
  }

  #entryOf(subscription: Subscription): Entry {
    const { mode, destinations } = subscription;
    const groups = mode === "all" ? destinations.map((each) => [each]) : [destinations];
    return { subscription, queues: groups.map((group) => new ForwardQueue(group, this.#counters)) };
  }
}

const is =
  (database: string, retentionPolicy: string, name: string) =>
  ({ subscription: each }: Entry): boolean =>
    each.database === database && each.retentionPolicy === retentionPolicy && each.name === name;

/** A scheme that is spoken, a host and a port that is written out; user and password as URLs have them. */
function checkDestination(destination: string): void {
  const url = URL.parse(destination);
  if (url && /^(https?|udp):\/\/(.*@)?[^/]+:\d+(\/|$)/.test(destination) && isDecodable(url)) return;
  throw new InputError(`invalid subscription URL: ${urlWithoutPassword(destination)}`);
}

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
