// Collector: has the runtime collect garbage while queries are answered.
//
// The runtime waits until there is as much garbage as memory in use, and counts mapped files and linear memory as in use: what is left
// of answers would grow to as much as these. For programs that are all serie: a host's own heap may take long to collect.
import { fullGC } from "bun:jsc";

const PERIOD_MS = 100;
/** Of the computing time, at most. */
const SHARE = 0.03;

let hasAnswered = false;

/** Says that a query was answered in this thread. */
export function noteAnswer(): void {
  hasAnswered = true;
}

/** From now on, in this thread, one of `threads`. Never keeps the process alive. */
export function collectAfterAnswers(threads: number): void {
  let nextMs = 0;
  setInterval(() => {
    const spentMs = cpuMs();
    if (!hasAnswered || spentMs < nextMs) return;
    hasAnswered = false;
    const startMs = performance.now();
    fullGC();
    nextMs = spentMs + ((performance.now() - startMs) / SHARE) * threads;
  }, PERIOD_MS).unref();
}

/** Of all threads. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
