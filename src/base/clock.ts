// The door through which time enters, so that a test can hold it.

export interface Clock {
  /** Wall clock, nanoseconds since 1970-01-01T00:00:00Z. */
  nowNs(): bigint;
  /** Monotonic clock, milliseconds since an arbitrary moment. */
  elapsedMs(): number;
  /** Calls `run` every `periodMs` until the returned function is called. Never keeps the process alive. */
  every(periodMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  nowNs() {
    // performance.now() carries the part below a millisecond that Date.now() lacks
    return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n;
  },
  elapsedMs: () => performance.now(),
  every(periodMs, run) {
    const timer = setInterval(run, periodMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};
