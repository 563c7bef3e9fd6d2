// A process that takes the lock file named by its argument, says so, and holds it until it is killed.
import { nodeDisk } from "../../src/disk/node.ts";

await nodeDisk.lock(process.argv[2]!, 0);
console.log("held");
setInterval(() => {}, 1000);
