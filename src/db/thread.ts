// The program of a thread that a head starts: connects with the others, opens its partitions, serves when told to.
import { assert } from "../base/assert.ts";
import { OverloadedError } from "../base/errors.ts";
import { adoptKernels } from "../kernels/kernels.ts";
import { Channel, type Handlers, type Port } from "../threads/channel.ts";
import { Companions, type Seat } from "./companions.ts";
import type { ServeRequest } from "./head.ts";
import { Member } from "./member.ts";
import type { Options } from "./options.ts";

/** What serves: `src/server.ts`, by its URL. */
interface Serving {
  prepare(threads: number): Promise<void>;
  serve(db: Member, options: object): { stop(graceMs: number): Promise<void> };
}

/** Ports to other threads that came before it was known who this one is. */
const early: [thread: number, port: MessagePort][] = [];
let companions: Companions | undefined;
let serving: Promise<void> | undefined;
let server: ReturnType<Serving["serve"]> | undefined;

function missing(): never {
  throw new OverloadedError("a thread that was started again reads its rows from the log: send again");
}

/** What other threads may ask; all of it once the partitions are open. */
const parts: Handlers = { missing };

const ofHead: Handlers = {
  missing,
  calls: { start },
  notices: {
    connect: (thread: number, port: MessagePort) => {
      if (companions) companions.connect(thread, port, parts);
      else early.push([thread, port]);
    },
    disconnect: (thread: number) => companions?.disconnect(thread),
    crash: () => {
      throw new Error("it was told to crash");
    },
  },
};

async function start(options: Options, seat: Seat, kernels: WebAssembly.Module) {
  adoptKernels(kernels);
  companions = new Companions(seat);
  companions.adopt(0, head);
  for (const [thread, port] of early.splice(0)) companions.connect(thread, port, parts);
  const member = await Member.open(options, companions);
  // what changed meanwhile was told in vain, what changes from here on is not
  member.reload();
  Object.assign(parts, member.partHandlers());
  const { calls, streams } = member.partHandlers();
  Object.assign(ofHead, {
    streams,
    tasks: member.headTasks(),
    calls: { ...calls, ...member.headCalls(), ...servingCalls(member) },
  });
  return member.report;
}

function servingCalls(member: Member): NonNullable<Handlers["calls"]> {
  return {
    // (asked for again while it does, it serves once)
    serve: async ({ module, options }: ServeRequest) => {
      serving ??= (import(module) as Promise<Serving>).then(async ({ prepare, serve }) => {
        await prepare(companions!.seat.count);
        server = serve(member, options);
      });
      await serving;
    },
    stopServing: async (graceMs: number) => {
      await serving;
      serving = undefined;
      await server?.stop(graceMs);
      server = undefined;
    },
  };
}

assert(!Bun.isMainThread, "thread.ts is run by a head");
const head = new Channel(globalThis as unknown as Port, ofHead);

// What nobody caught is the end of this thread. Its connections are closed first: Bun answers what reaches a thread that ends, with
// an empty 204 what has no body.
function die(error: unknown): void {
  void server?.stop(0);
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  head.notify("dies", message, stack);
  process.exit(1);
}
process.on("uncaughtException", die);
process.on("unhandledRejection", die);
