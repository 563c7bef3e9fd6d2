// The channel between threads, over a real message port: answers, errors, streams that do not run ahead, and an end for all that
// waits when the other side is gone.
import { expect, test } from "bun:test";
import type { Chunks } from "../src/base/chunks.ts";
import {
  ClosedError,
  CorruptionError,
  DiskError,
  InputError,
  NotFoundError,
  OverloadedError,
  QueryAbortedError,
} from "../src/base/errors.ts";
import { attendedTask } from "../src/threads/budgets.ts";
import { Channel, type Handlers, type StreamState } from "../src/threads/channel.ts";

function pair(handlers: Handlers, back: Handlers = {}): [Channel, Channel] {
  const { port1, port2 } = new MessageChannel();
  return [new Channel(port1, back), new Channel(port2, handlers)];
}

const bytesOf = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
const text = new TextDecoder();

test("calls are answered each, in whatever order they end, both ways", async () => {
  const delayed = async (ms: number, value: unknown) => {
    await Bun.sleep(ms);
    return value;
  };
  const [near, far] = pair({ calls: { delayed } }, { calls: { twice: (x: bigint) => 2n * x } });
  const answers = await Promise.all([
    near.call("delayed", 20, "slow"),
    near.call("delayed", 1, { a: [1n, null] }),
  ]);
  expect(answers).toEqual(["slow", { a: [1n, null] }]);
  expect(await far.call<bigint>("twice", 21n)).toBe(42n);
});

test("bytes are handed over: the sender has them no more", async () => {
  const [near] = pair({ calls: { echo: (bytes: Uint8Array) => bytes } });
  const given = bytesOf("rows");
  expect(text.decode(await near.call<Uint8Array>("echo", given))).toBe("rows");
  expect(given.byteLength).toBe(0);
});

test("errors arrive as what they were", async () => {
  const errors = [
    new InputError("bad line"),
    new NotFoundError("database not found"),
    new QueryAbortedError("killed"),
    new ClosedError("closed"),
    new OverloadedError("send again", 7),
    new CorruptionError("/data/x.seg", 12, "checksum"),
    new DiskError("disk full", { operation: "write", path: "/data", errno: "ENOSPC" }),
    new TypeError("a bug"),
  ];
  const [near] = pair({
    calls: {
      fail: (i: number) => {
        throw errors[i];
      },
    },
  });
  for (const [i, thrown] of errors.entries()) {
    const received = await near.call<Record<string, unknown>>("fail", i).catch((error) => error);
    expect(received.name).toBe(thrown.name);
    expect(received.message).toBe(thrown.message);
    if (!(thrown instanceof TypeError)) expect(received).toBeInstanceOf(thrown.constructor);
    for (const key of ["retryAfterS", "file", "offset", "reason", "operation", "path", "errno"])
      expect(received[key]).toEqual((thrown as unknown as Record<string, unknown>)[key]);
  }
  const unknown = await near.call("nothing").catch((error) => error as Error);
  expect((unknown as Error).message).toContain("no call nothing");
});

test("a stream runs ahead of its reader by a few chunks, and ends with its last value", async () => {
  let made = 0;
  async function* count(_: StreamState, last: number): Chunks {
    for (; made < last; made++) yield bytesOf(String(made));
    return bytesOf("end");
  }
  const [near] = pair({ streams: { count } });
  const stream = near.stream("count", 50);
  await Bun.sleep(20);
  expect(made).toBeLessThan(8);
  const read: string[] = [];
  for await (const chunk of stream) {
    read.push(text.decode(chunk));
    await Bun.sleep(0);
    expect(made).toBeLessThan(read.length + 8);
  }
  expect(read).toEqual([...Array.from({ length: 50 }, (_, i) => String(i)), "end"]);
});

test("a stream that nobody reads on is stopped where it is made; one that fails says why after what came before", async () => {
  let ended = 0;
  async function* endless(state: StreamState): Chunks {
    try {
      while (!state.isStopped) {
        yield bytesOf("x");
        await Bun.sleep(0);
      }
      return null;
    } finally {
      ended++;
    }
  }
  async function* broken(): Chunks {
    yield bytesOf("first");
    throw new InputError("no more");
  }
  const [near] = pair({ streams: { endless, broken } });
  for await (const _ of near.stream("endless")) break;
  while (ended < 1) await Bun.sleep(1);
  // whoever waits for a chunk is let go, too
  const waiting = near.stream("endless");
  void waiting.return();
  expect(await waiting.next()).toEqual({ done: true, value: undefined });
  while (ended < 2) await Bun.sleep(1);
  const read: string[] = [];
  const failure = await (async () => {
    for await (const chunk of near.stream("broken")) read.push(text.decode(chunk));
  })().catch((error) => error);
  expect([read, failure.message]).toEqual([["first"], "no more"]);
});

test("a stream gives back what it holds when its channel is closed while it makes a chunk, or waits to be read", async () => {
  let held = 0;
  let makes: () => void = () => undefined;
  async function* slow(): Chunks {
    held++;
    try {
      for (;;) {
        await new Promise<void>((resolve) => {
          makes = resolve;
        });
        yield bytesOf("x");
      }
    } finally {
      held--;
    }
  }
  async function* fast(): Chunks {
    held++;
    try {
      for (;;) yield bytesOf("x");
    } finally {
      held--;
    }
  }
  const [near, far] = pair({ streams: { slow, fast } });
  near.stream("slow");
  near.stream("fast");
  while (held < 2) await Bun.sleep(1);
  far.close(new OverloadedError("the reader has died"));
  makes(); // the chunk that was under way is there, and nobody to send it to
  await Bun.sleep(5);
  expect(held).toBe(0);
});

test("closing ends what is under way, and what comes later, with the error given", async () => {
  const never = () => new Promise<never>(() => undefined);
  // biome-ignore lint/correctness/useYield: it never gets to
  async function* silent(): Chunks {
    await never();
    return null;
  }
  const [near] = pair({ calls: { never }, streams: { silent } });
  const call = near.call("never").catch((error) => error);
  const chunk = near
    .stream("silent")
    .next()
    .catch((error) => error);
  const gone = new OverloadedError("it has gone");
  near.close(gone);
  expect(await call).toBe(gone);
  expect(await chunk).toBe(gone);
  expect(await near.call("never").catch((error) => error)).toBe(gone);
  expect(
    await near
      .stream("silent")
      .next()
      .catch((error) => error),
  ).toBe(gone);
  near.notify("nothing");
});

test("a task is asked to end and says how it ended, whether it heeded that or not", async () => {
  const heeds = async (state: StreamState) => {
    for (let i = 0; i < 1000; i++) {
      if (state.isStopped) throw new QueryAbortedError("query was killed");
      await Bun.sleep(1);
    }
    return "to its end";
  };
  const begun = async (_: StreamState, value: string) => {
    await Bun.sleep(120);
    return value;
  };
  const fails = async () => {
    await Bun.sleep(120);
    throw new InputError("bad");
  };
  const [near] = pair({ tasks: { heeds, begun, fails } });
  expect(await near.task<string>("begun", "done").ended).toBe("done");
  const unknown = await near.task("nothing").ended.catch(({ message }) => message as string);
  expect(unknown).toContain("no call nothing");
  // whoever asks says why: in the words of the budget
  const killed = {
    check: () => {
      throw new QueryAbortedError("query interrupted");
    },
    hold: () => undefined,
  };
  const ended = (name: string, ...args: unknown[]) =>
    attendedTask(near.task<string>(name, ...args), killed).catch(({ message }) => message as string);
  expect(await Promise.all([ended("heeds"), ended("begun", "done"), ended("fails")])).toEqual([
    "query interrupted",
    "done",
    "bad",
  ]);
  // one that has ended is asked in vain
  const task = near.task<string>("begun", "done");
  await task.ended;
  task.stop();
  const left = near.task("heeds").ended.catch((error) => error);
  near.close(new OverloadedError("the thread has stopped"));
  expect(await left).toBeInstanceOf(OverloadedError);
  expect(await near.task("heeds").ended.catch((error) => error)).toBeInstanceOf(OverloadedError);
});

test("tasks are to end when the channel does, so that nobody works for a thread that is gone", async () => {
  let state: StreamState | undefined;
  const [near, far] = pair({
    tasks: {
      endless: async (given: StreamState) => {
        state = given;
        while (!given.isStopped) await Bun.sleep(1);
      },
    },
  });
  near.task("endless").ended.catch(() => undefined);
  while (state === undefined) await Bun.sleep(1);
  far.close(new ClosedError("closed"));
  expect(state.isStopped).toBe(true);
  near.close(new ClosedError("closed"));
});
