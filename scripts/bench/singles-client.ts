// The clients of single points, a process of its own: each connection sends a request when its last one is answered.
//
//     bun scripts/bench/singles-client.ts '{"host":...,"port":...,"path":...,"body":...,"connections":64,...}'
//
// Bare sockets and one buffer a connection, in which the digits of value and time change: a client that costs much
// would measure itself where it shares the cores with the server. Any answer but 204 ends the run with an error.
export interface SinglesRequest {
  readonly port: number;
  readonly path: string;
  /** With `{host}` (2 digits), `{value}` (5 characters) and `{time}` (13 digits, ms), each once. */
  readonly body: string;
  readonly startMs: number;
  readonly connections: number;
  /** Sent and not counted in the times at first. */
  readonly warmUpMs: number;
  readonly forMs: number;
}

export interface SinglesReport {
  /** All that were acknowledged, those of the warming up, too. */
  readonly acknowledged: number;
  /** Acknowledged in the time that counts. */
  readonly counted: number;
  readonly elapsedMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

const MOST_LATENCIES = 4_000_000;
const END_OF_HEAD = "\r\n\r\n";

class Clients {
  readonly #latencies = new Float64Array(MOST_LATENCIES);
  #counted = 0;
  #acknowledged = 0;
  readonly #started = performance.now();

  constructor(readonly request: SinglesRequest) {}

  async run(): Promise<SinglesReport> {
    const { connections, warmUpMs } = this.request;
    await Promise.all(Array.from({ length: connections }, (_, index) => this.#connection(index)));
    const elapsedMs = performance.now() - this.#started - warmUpMs;
    const sorted = this.#latencies.subarray(0, this.#counted).sort();
    const quantile = (q: number) => sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
    return {
      acknowledged: this.#acknowledged,
      counted: this.#counted,
      elapsedMs,
      medianMs: quantile(0.5),
      p99Ms: quantile(0.99),
    };
  }

  #connection(index: number): Promise<void> {
    const { port, startMs, warmUpMs, forMs } = this.request;
    const counts = this.#started + warmUpMs;
    const deadline = counts + forMs;
    const { bytes, valueAt, timeAt } = this.#template(index);
    let sentMs = 0;
    let sent = 0;
    let answer = "";
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const send = (socket: Bun.Socket) => {
      bytes.write(((sent * 37 + index * 101) % 10_000).toString().padStart(4, "0"), valueAt + 1, "latin1");
      // the first of the four digits goes in front of the point
      bytes[valueAt] = bytes[valueAt + 1]!;
      bytes[valueAt + 1] = 0x2e;
      bytes.write(String(startMs + sent), timeAt, "latin1");
      sent++;
      sentMs = performance.now();
      if (socket.write(bytes) !== bytes.length)
        reject(new Error("a request did not fit the socket's buffer"));
    };
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: send,
        data: (socket, chunk) => {
          answer += chunk.toString("latin1");
          if (!answer.endsWith(END_OF_HEAD) && answer.startsWith("HTTP/1.1 204")) return;
          if (!answer.startsWith("HTTP/1.1 204")) {
            reject(new Error(`write answered ${answer.slice(0, 500)}`));
            socket.end();
            return;
          }
          answer = "";
          const nowMs = performance.now();
          this.#acknowledged++;
          if (sentMs >= counts && this.#counted < MOST_LATENCIES)
            this.#latencies[this.#counted++] = nowMs - sentMs;
          if (nowMs < deadline) return send(socket);
          resolve();
          socket.end();
        },
        error: (_, error) => reject(error),
        close: () => reject(new Error("the server closed a connection that was kept alive")),
      },
    }).catch(reject);
    return promise;
  }

  #template(index: number) {
    const { path, port, body, startMs } = this.request;
    const filled = body
      .replace("{host}", String(index).padStart(2, "0"))
      .replace("{value}", "1.234")
      .replace("{time}", String(startMs));
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${filled.length}${END_OF_HEAD}`;
    const bytes = Buffer.from(head + filled, "latin1");
    return {
      bytes,
      valueAt: bytes.indexOf("1.234", head.length),
      timeAt: bytes.indexOf(String(startMs), head.length),
    };
  }
}

if (import.meta.main) {
  const report = await new Clients(JSON.parse(process.argv[2]!) as SinglesRequest).run();
  console.log(JSON.stringify(report));
  process.exit(0);
}
