// Files that a thread had open when it was ended: they are the process's, which nobody else would close, and a removed file keeps its
// space on the disk until it is closed.
import { closeSync, readdirSync, readlinkSync, realpathSync } from "node:fs";

const OPEN_FILES = "/proc/self/fd";

/** Closes what this process has open in the folders. Where the system does not tell (no /proc), nothing. */
export function closeLeftOpen(folders: readonly string[]): void {
  const within = folders.flatMap((folder) => {
    const real = tried(() => realpathSync(folder));
    return real === undefined ? [] : [`${real}/`];
  });
  for (const name of tried(() => readdirSync(OPEN_FILES)) ?? []) {
    const path = tried(() => readlinkSync(`${OPEN_FILES}/${name}`));
    if (path !== undefined && within.some((folder) => path.startsWith(folder)))
      tried(() => closeSync(Number(name)));
  }
}

// (what is gone needs no closing)
function tried<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
