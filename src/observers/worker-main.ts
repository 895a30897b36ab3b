import { runWorker } from "./worker.ts";

runWorker(process.argv.slice(2));
