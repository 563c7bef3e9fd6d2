// The system's page cache: what a query costs whose data has to come from the disk.
import { writeFileSync } from "node:fs";

/** Takes everything out that no process maps and that is on disk; false where that is not ours to do (it takes root). */
export function dropPageCache(): boolean {
  try {
    Bun.spawnSync(["sync"]);
    writeFileSync("/proc/sys/vm/drop_caches", "1");
    return true;
  } catch {
    return false;
  }
}
