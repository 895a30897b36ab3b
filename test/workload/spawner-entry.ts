/** The spawner process without the command line of linnix. */
import { spawnerProcess } from "../../src/workload/spawner-process.ts";

process.exit(await spawnerProcess(process.argv[2]));
