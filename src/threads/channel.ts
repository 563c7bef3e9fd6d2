// A channel between two threads: calls with one answer each, tasks, streams of bytes, and notices, both ways over one port.
//
//   [CALL, id, name, args]     answered by [OK, id, value] or [FAILED, id, error]
//   [TASK, id, name, args]     the same; [STOP, id] asks it to end, and how it ended is its answer in any case
//   [OPEN, id, name, args]     answered by [CHUNK, id, bytes], ..., then [END, id, bytes or null] or [FAILED, id, error];
//   [MORE, id]                 the other side may send one more chunk: AHEAD of them are under way at most
//   [STOP, id]                 nobody reads on
//   [NOTICE, 0, name, args]    not answered
//
// Messages arrive in the order in which they were sent. Bytes with a buffer of their own are handed over, not copied.
import { assert } from "../base/assert.ts";
import type { Chunks } from "../base/chunks.ts";
import { receivedError, type SentError, sentError } from "./errors.ts";

const [CALL, OK, FAILED, OPEN, CHUNK, END, MORE, STOP, NOTICE, TASK] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
] as const;

/** Chunks of a stream that may be sent and not yet read. */
const AHEAD = 4;

/** What a `MessagePort`, a `Worker` and a worker's own global have in common. */
export interface Port {
  postMessage(message: unknown, transfer: Transferred[]): void;
  /** Absent: it ends with its thread. */
  close?(): void;
  /** A function of a MessageEvent, or null. */
  onmessage: unknown;
}

type Transferred = ArrayBuffer | MessagePort;

/** Whether the reader of a stream has gone, or a task is to end. */
export interface StreamState {
  readonly isStopped: boolean;
}

/** What the other side may ask for, by name. */
export interface Handlers {
  readonly calls?: Readonly<Record<string, (...args: never[]) => unknown>>;
  readonly tasks?: Readonly<Record<string, (state: StreamState, ...args: never[]) => unknown>>;
  readonly streams?: Readonly<Record<string, (state: StreamState, ...args: never[]) => Chunks>>;
  readonly notices?: Readonly<Record<string, (...args: never[]) => void>>;
  /** Throws what somebody gets who asks for something else. */
  readonly missing?: () => never;
}

/** What the other side does, and may be asked to end. */
export interface Task<T> {
  /** As a call's answer. */
  readonly ended: Promise<T>;
  /** Asks it to end: it does so where it can, or goes on to its end. */
  stop(): void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A stream that is written here. */
interface Writing {
  credit: number;
  isStopped: boolean;
  wake: (() => void) | undefined;
}

type Message = readonly [kind: number, id: number, nameOrValue?: unknown, args?: unknown[]];

export class Channel {
  readonly #port: Port;
  readonly #handlers: Handlers;
  readonly #calls = new Map<number, Waiting>();
  readonly #reading = new Map<number, ReadStream>();
  readonly #writing = new Map<number, Writing>();
  /** What is done here. */
  readonly #tasks = new Map<number, { isStopped: boolean }>();
  #nextId = 1;
  #closed: Error | undefined;

  constructor(port: Port, handlers: Handlers) {
    this.#port = port;
    this.#handlers = handlers;
    port.onmessage = (event: MessageEvent) => this.#receive(event.data as Message);
  }

  /** Rejects with what the other side threw, or with what the channel was closed with. */
  call<T>(name: string, ...args: unknown[]): Promise<T> {
    return this.#ask(CALL, this.#nextId++, name, args);
  }

  /** Rejects as a call does; also when it was asked to end and did. */
  task<T>(name: string, ...args: unknown[]): Task<T> {
    const id = this.#nextId++;
    const stop = () => {
      if (!this.#closed && this.#calls.has(id)) this.#send([STOP, id], []);
    };
    return { ended: this.#ask(TASK, id, name, args), stop };
  }

  #ask<T>(kind: typeof CALL | typeof TASK, id: number, name: string, args: unknown[]): Promise<T> {
    if (this.#closed) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#send([kind, id, name, args], transferred(args));
      this.#calls.set(id, { resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Asked for at once, not when the first chunk is: what several channels stream is made side by side. */
  stream(name: string, ...args: unknown[]): ReadStream {
    const id = this.#nextId++;
    const stream = new ReadStream((message) => {
      if (message === STOP) this.#reading.delete(id);
      if (!this.#closed) this.#send([message, id], []);
    });
    if (this.#closed) stream.fail(this.#closed);
    else {
      this.#send([OPEN, id, name, args], transferred(args));
      this.#reading.set(id, stream);
    }
    return stream;
  }

  notify(name: string, ...args: unknown[]): void {
    if (!this.#closed) this.#send([NOTICE, 0, name, args], transferred(args));
  }

  /** Ends all that is under way with `error`, here; the other side is not told. */
  close(error: Error): void {
    if (this.#closed) return;
    this.#closed = error;
    this.#port.onmessage = null;
    if (this.#port instanceof MessagePort) this.#port.close();
    for (const { reject } of this.#calls.values()) reject(error);
    this.#calls.clear();
    for (const stream of this.#reading.values()) stream.fail(error);
    this.#reading.clear();
    for (const writing of this.#writing.values()) {
      writing.isStopped = true;
      writing.wake?.();
    }
    for (const task of this.#tasks.values()) task.isStopped = true;
  }

  #send(message: Message, transfer: Transferred[]): void {
    this.#port.postMessage(message, transfer);
  }

  #receive([kind, id, value, args]: Message): void {
    switch (kind) {
      case CALL:
        void this.#answer(id, value as string, this.#handlers.calls, args as never[]);
        break;
      case TASK:
        void this.#do(id, value as string, args as never[]);
        break;
      case OPEN:
        void this.#write(id, value as string, args as never[]);
        break;
      case NOTICE:
        this.#handlers.notices?.[value as string]?.(...(args as never[]));
        break;
      case MORE:
      case STOP: {
        const task = this.#tasks.get(id);
        if (task) task.isStopped = true;
        const writing = this.#writing.get(id);
        if (!writing) break;
        if (kind === MORE) writing.credit++;
        else writing.isStopped = true;
        writing.wake?.();
        break;
      }
      case OK:
        this.#calls.get(id)?.resolve(value);
        this.#calls.delete(id);
        break;
      case FAILED: {
        const error = receivedError(value as SentError);
        this.#calls.get(id)?.reject(error);
        this.#calls.delete(id);
        this.#reading.get(id)?.fail(error);
        this.#reading.delete(id);
        break;
      }
      case CHUNK:
      case END:
        this.#reading.get(id)?.arrive((value ?? null) as Uint8Array<ArrayBuffer> | null, kind === END);
        if (kind === END) this.#reading.delete(id);
        break;
    }
  }

  async #do(id: number, name: string, args: never[]): Promise<void> {
    const state = { isStopped: false };
    this.#tasks.set(id, state);
    await this.#answer(id, name, this.#handlers.tasks, [state as never, ...args]);
    this.#tasks.delete(id);
  }

  async #answer(id: number, name: string, handlers: Handlers["calls"], args: never[]): Promise<void> {
    try {
      const handler = handlers?.[name] ?? this.#handlers.missing?.();
      assert(handler, `no call ${name}`);
      const value = await handler(...args);
      if (!this.#closed) this.#send([OK, id, value], transferred([value]));
    } catch (error) {
      if (!this.#closed) this.#send([FAILED, id, sentError(error)], []);
    }
  }

  async #write(id: number, name: string, args: never[]): Promise<void> {
    const writing: Writing = { credit: AHEAD, isStopped: false, wake: undefined };
    this.#writing.set(id, writing);
    let chunks: Chunks | undefined;
    try {
      const handler = this.#handlers.streams?.[name] ?? this.#handlers.missing?.();
      assert(handler, `no stream ${name}`);
      chunks = handler(writing, ...args);
      for (;;) {
        while (writing.credit === 0 && !writing.isStopped)
          await new Promise<void>((resolve) => {
            writing.wake = resolve;
          });
        if (writing.isStopped) return;
        const { done, value } = await chunks.next();
        if (writing.isStopped) return;
        this.#send([done ? END : CHUNK, id, value], transferred([value]));
        if (done) return;
        writing.credit--;
      }
    } catch (error) {
      if (!writing.isStopped) this.#send([FAILED, id, sentError(error)], []);
    } finally {
      this.#writing.delete(id);
      // however it ended, also with the channel: what it holds is given back
      await chunks?.return(null).catch(() => undefined);
    }
  }
}

/** The chunks of a stream, on the side that reads them. */
export class ReadStream implements AsyncIterableIterator<Uint8Array<ArrayBuffer>> {
  readonly #tell: (message: typeof MORE | typeof STOP) => void;
  readonly #arrived: Uint8Array<ArrayBuffer>[] = [];
  #hasEnded = false;
  #error: Error | undefined;
  #waiting: (() => void) | undefined;

  /** `tell`: sends the other side that more may come, or that nobody reads on. */
  constructor(tell: (message: typeof MORE | typeof STOP) => void) {
    this.#tell = tell;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array<ArrayBuffer>>> {
    for (;;) {
      const value = this.#arrived.shift();
      if (value) {
        if (!this.#hasEnded) this.#tell(MORE);
        return { done: false, value };
      }
      if (this.#error) throw this.#error;
      if (this.#hasEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  /** Nobody reads on, whoever waits for the next chunk included. */
  async return(): Promise<IteratorResult<Uint8Array<ArrayBuffer>>> {
    if (!this.#hasEnded && !this.#error) this.#tell(STOP);
    this.#arrived.length = 0;
    this.#hasEnded = true;
    this.#waiting?.();
    return { done: true, value: undefined };
  }

  arrive(chunk: Uint8Array<ArrayBuffer> | null, isLast: boolean): void {
    if (chunk) this.#arrived.push(chunk);
    if (isLast) this.#hasEnded = true;
    this.#waiting?.();
  }

  /** What has arrived can still be read. */
  fail(error: Error): void {
    this.#error = error;
    this.#waiting?.();
  }
}

// The buffers of bytes and the ports among the values; who sends them gives them away.
function transferred(values: readonly unknown[]): Transferred[] {
  const given: Transferred[] = [];
  for (const value of values)
    if (value instanceof Uint8Array) given.push(value.buffer as ArrayBuffer);
    else if (value instanceof MessagePort) given.push(value);
  return given;
}
