// Reads what `strace -f -y -ttt -T` saw into calls with a beginning and an end, in the order of their ends.
//
//   811  1700000000.000100 pwrite64(17</data/wal/1.log>, "..."..., 96, 0) = 96 <0.000020>
//   812  1700000000.000200 fdatasync(17</data/wal/1.log> <unfinished ...>
//   812  1700000000.000900 <... fdatasync resumed>) = 0 <0.000700>

export interface SystemCall {
  readonly thread: string;
  readonly name: string;
  /** Path or socket of the first argument, as `-y` prints it. */
  readonly file: string;
  readonly text: string;
  /** Seconds, on the clock of strace. */
  readonly start: number;
  readonly end: number;
}

export function readTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const unfinished = new Map<string, { text: string; start: number }>();
  for (const line of text.split("\n")) {
    const match = /^(\d+)\s+(\d+\.\d+) (.*)$/.exec(line);
    if (!match) continue;
    const [, thread, at, rest] = match as unknown as [string, string, string, string];
    if (rest.endsWith("<unfinished ...>")) {
      unfinished.set(thread, { text: rest.slice(0, -"<unfinished ...>".length), start: Number(at) });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
    const before = resumed ? unfinished.get(thread) : undefined;
    if (resumed && !before) continue;
    if (before) unfinished.delete(thread);
    const whole = before ? before.text + resumed![1] : rest;
    const call = /^(\w+)\(\d+<(.*?)>/.exec(whole);
    const tookS = /<(\d+\.\d+)>$/.exec(whole)?.[1];
    if (!call || tookS === undefined) continue;
    const start = before?.start ?? Number(at);
    calls.push({
      thread,
      name: call[1]!,
      file: call[2]!,
      text: whole,
      start,
      // the line of a resumed call is written at its end
      end: before ? Number(at) : start + Number(tookS),
    });
  }
  return calls.sort((a, b) => a.end - b.end);
}
