// Where Python's `influxdb` client is installed for the tests: apart from the system's packages.
import { join } from "node:path";

export const pythonFolder = join(import.meta.dir, "../node_modules/.cache/serie-python");
